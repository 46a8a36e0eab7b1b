package concursync_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/document"
)

func TestAttachmentsAreReadAndOnesThatAreNotThereAreNothing(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	p := o.company.AddApprovedPaymentRequest(concurtest.PaymentRequest{
		InvoiceNumber: "INV-1", Vendor: concurtest.Vendor{Code: "V1", Name: "Delta"}, Lines: []concurtest.Line{{ExpenseType: "2000", Amount: concurtest.Amount("50.00")}},
	})
	o.company.AddImage("invoice", p.ID, "application/pdf", []byte("%PDF-1.7 invoice"))
	read := concursync.Attachments(o.client)
	data, err := read(t.Context(), document.Attachment{ID: p.ID, Kind: "invoice"})
	require.NoError(t, err)
	require.Equal(t, "%PDF-1.7 invoice", string(data))

	data, err = read(t.Context(), document.Attachment{ID: "0123456789ABCDEF0123", Kind: "receipt"})
	require.NoError(t, err)
	require.Empty(t, data)

	o.Inject(concurtest.Fault{Path: "/api/image/v1.0/invoice/" + p.ID, Status: http.StatusServiceUnavailable, Times: -1})
	_, err = read(t.Context(), document.Attachment{ID: p.ID, Kind: "invoice"})
	require.Error(t, err)
}
