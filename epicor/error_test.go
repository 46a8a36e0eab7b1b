package epicor_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
)

// refused makes a write meet one answer.
func refused(t *testing.T, status int, header http.Header, body string) (*epicor.Error, error) {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodPost, "=~.*", func(*http.Request) (*http.Response, error) {
		res := httpmock.NewStringResponse(status, body)
		for k, v := range header {
			res.Header[k] = v
		}
		return res, nil
	})
	c, err := epicor.NewClient("https://k.example/api/v2/odata/EPIC06", epicor.Basic("the-key", "svc", "the-password"),
		&epicor.Options{HTTP: &http.Client{Transport: mock}})
	require.NoError(t, err)
	err = c.APInvoices.DeleteByID(t.Context(), 1, "N")
	var e *epicor.Error
	require.ErrorAs(t, err, &e)
	return e, err
}

func vendorBody(kind, message string) string {
	return `{"HttpStatus":400,"ReasonPhrase":"REST Api Exception","ErrorMessage":"` + message + `","ErrorType":"` + kind + `",` +
		`"ErrorDetails":[{"Message":"` + message + `","Type":"Error","Program":"Erp.dll","Method":"Check","Table":"APInvHed","Field":"InvoiceNum","LineNumber":7}],"CorrelationId":"c-1"}`
}

func TestEachRefusalHasOneClassAndSaysWhatItMeansForAWrite(t *testing.T) {
	all := []error{
		epicor.ErrNotFound, epicor.ErrUnauthorized, epicor.ErrForbidden,
		epicor.ErrConflict, epicor.ErrRateLimited, epicor.ErrInvalid,
	}
	const business, unauthorized = "Ice.Common.BusinessObjectException", "System.UnauthorizedAccessException"
	for name, c := range map[string]struct {
		status             int
		body               string
		is                 error
		retryable, refused bool
	}{
		"a broken rule":           {400, vendorBody(business, "Supplier is not valid."), epicor.ErrInvalid, false, true},
		"a bad query":             {400, vendorBody("Microsoft.OData.ODataException", "Syntax error"), epicor.ErrInvalid, false, true},
		"a duplicate as 409":      {409, vendorBody("Ice.Common.DuplicateRecordException", "It exists."), epicor.ErrConflict, false, true},
		"a duplicate by its text": {400, vendorBody(business, "Duplicate entry found."), epicor.ErrConflict, false, true},
		"a changed row":           {400, vendorBody(business, "Row has been modified by another user and couldn't be updated."), epicor.ErrConflict, true, true},
		"a lock":                  {400, vendorBody(business, "Group G is locked by user clerk."), epicor.ErrConflict, true, true},
		"a wrong password":        {401, vendorBody(unauthorized, "Invalid username or password."), epicor.ErrUnauthorized, false, true},
		"no right":                {401, vendorBody(unauthorized, "Access denied (Erp.BO.APInvoice.DeleteByID)."), epicor.ErrForbidden, false, true},
		"out of scope":            {403, vendorBody(unauthorized, "Out of scope."), epicor.ErrForbidden, false, true},
		"not there":               {404, vendorBody("Ice.Common.RecordNotFoundException", "Record not found."), epicor.ErrNotFound, false, true},
		"rate limited":            {429, "", epicor.ErrRateLimited, true, true},
		"a session that ended":    {410, vendorBody("Ice.Common.InvalidSessionException", "Session ended."), epicor.ErrUnauthorized, true, true},
		"a broken server":         {500, vendorBody("System.Exception", "Object reference not set."), nil, true, false},
		"a gateway":               {502, "<html></html>", nil, true, false},
		"nothing":                 {503, "", nil, true, false},
		"a gateway's 404":         {404, "<html></html>", epicor.ErrNotFound, false, false},
		"a gateway's 400":         {400, "", epicor.ErrInvalid, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := refused(t, c.status, nil, c.body)
			for _, sentinel := range all {
				if c.is != nil && sentinel.Error() == c.is.Error() {
					require.ErrorIs(t, err, sentinel)
				} else {
					require.NotErrorIs(t, err, sentinel)
				}
			}
			require.Equal(t, c.retryable, e.Retryable())
			require.Equal(t, c.refused, e.Refused())
			require.NotContains(t, err.Error(), "\n")
			require.Contains(t, err.Error(), "Erp.BO.APInvoiceSvc/DeleteByID")
		})
	}
}

func TestAnErrorKeepsTableFieldAndCorrelation(t *testing.T) {
	e, err := refused(t, 400, nil, vendorBody("Ice.Common.BusinessObjectException", "Supplier is not valid."))
	require.Equal(t, "APInvHed", e.Details[0].Table)
	require.Equal(t, "InvoiceNum", e.Details[0].Field)
	require.Equal(t, "c-1", e.Correlation)
	require.Equal(t, "epicor: Erp.BO.APInvoiceSvc/DeleteByID: 400 BusinessObjectException: Supplier is not valid. (APInvHed.InvoiceNum) [c-1]", err.Error())
}

func TestAnErrorNeverHoldsTheKeyThatTheVendorPrints(t *testing.T) {
	for _, key := range []string{"the-key", "some.other.key", "k. Company X.", ""} {
		body := vendorBody("System.UnauthorizedAccessException", `Invalid API Key `+key+`.\r\nCompany EPIC06.`)
		e, err := refused(t, 401, nil, body)
		require.True(t, e.BadKey())
		require.NotContains(t, err.Error()+e.Message+e.Details[0].Message, "key.")
		require.NotContains(t, err.Error()+e.Message+e.Details[0].Message, "k. Company X")
		require.Contains(t, err.Error(), "EPIC06")
		require.ErrorIs(t, err, epicor.ErrUnauthorized)
		require.False(t, e.Expired())
	}
	e, err := refused(t, 500, nil, vendorBody("System.Exception", "password the-password in the-key"))
	require.NotContains(t, err.Error()+e.Message+e.Details[0].Message, "the-password")
	require.NotContains(t, err.Error()+e.Message+e.Details[0].Message, "the-key")
}

func TestRetryAfterIsReadInSeconds(t *testing.T) {
	e, _ := refused(t, 429, http.Header{"Retry-After": {"17"}}, "")
	require.Equal(t, 17*time.Second, e.RetryAfter())
}

func TestAnAnswerOf200ThatIsNotJSONIsAnUnknownOutcome(t *testing.T) {
	e, _ := refused(t, 200, nil, "<html>welcome</html>")
	require.False(t, e.Refused())
}
