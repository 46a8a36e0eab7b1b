package concur_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
)

const twoLines = `{"PurchaseOrderNumber":"1","Description":"old","Custom3":"H","LineItem":[
	{"ExternalID":"a","Custom7":"CC1","Description":"x","Weight":null},
	{"ExternalID":"b","Custom7":"CC2","Weight":null,"Allocation":[{"Percentage":"60","Custom1":"A1","New":1.50},{"Percentage":"40","Custom1":"A2"}]}]}`

func orderRead(t *testing.T) concur.PurchaseOrder {
	t.Helper()
	var o concur.PurchaseOrder
	require.NoError(t, json.Unmarshal([]byte(twoLines), &o))
	return o
}

func TestALineOfAnOrderKeepsItsOwnCodingWhereAnotherIsRemoved(t *testing.T) {
	t.Parallel()
	o := orderRead(t)
	o.LineItems = slices.Delete(o.LineItems, 0, 1)
	o.LineItems[0].Quantity = "7"
	o.LineItems = append(o.LineItems, concur.PurchaseOrderLine{ExternalID: "c"})
	require.JSONEq(t, `{"PurchaseOrderNumber":"1","Description":"old","Custom3":"H","LineItem":[
		{"ExternalID":"b","Custom7":"CC2","Weight":null,"Quantity":"7","Allocation":[{"Percentage":"60","Custom1":"A1","New":1.50},{"Percentage":"40","Custom1":"A2"}]},
		{"ExternalID":"c"}]}`, encoded(t, o))
}

func TestTheLinesOfAnOrderMayChangePlacesWithAllThatIsTheirs(t *testing.T) {
	t.Parallel()
	o := orderRead(t)
	slices.Reverse(o.LineItems)
	o.LineItems[1].Description = "y"
	require.JSONEq(t, `{"PurchaseOrderNumber":"1","Description":"old","Custom3":"H","LineItem":[
		{"ExternalID":"b","Custom7":"CC2","Weight":null,"Allocation":[{"Percentage":"60","Custom1":"A1","New":1.50},{"Percentage":"40","Custom1":"A2"}]},
		{"ExternalID":"a","Custom7":"CC1","Description":"y","Weight":null}]}`, encoded(t, o))
}

func TestTheCodingOfAnOrderIsReadAndChangedByItsCustomFields(t *testing.T) {
	t.Parallel()
	o := orderRead(t)
	require.Equal(t, map[string]concur.Text{"custom3": "H"}, o.Custom)
	require.Equal(t, concur.Text("CC2"), o.LineItems[1].Custom["custom7"])
	o.LineItems[1].Custom["custom7"] = "CC9"
	delete(o.LineItems[0].Custom, "custom7")
	o.LineItems[1].Allocations[1].Custom["custom1"] = "A9"
	o.LineItems[1].Allocations[1].Custom["custom2"] = "B9"
	require.JSONEq(t, `{"PurchaseOrderNumber":"1","Description":"old","Custom3":"H","LineItem":[
		{"ExternalID":"a","Custom7":"","Description":"x","Weight":null},
		{"ExternalID":"b","Custom7":"CC9","Weight":null,"Allocation":[{"Percentage":"60","Custom1":"A1","New":1.50},{"Percentage":"40","Custom1":"A9","Custom2":"B9"}]}]}`, encoded(t, o))
}

func TestAFieldThatWasEmptiedGoesOutAsEmptyAlsoWhereEmptyOnesAreLeftOut(t *testing.T) {
	t.Parallel()
	o := orderRead(t)
	o.Description = ""
	o.LineItems = nil
	require.JSONEq(t, `{"PurchaseOrderNumber":"1","Description":"","Custom3":"H","LineItem":[]}`, encoded(t, o))
	var e concur.ERP
	require.NoError(t, json.Unmarshal([]byte(`{"erpId":"1","features":["DISABLE_INVOICE_INTEGRATION"],"x":1}`), &e))
	e.Features = nil
	require.JSONEq(t, `{"erpId":"1","features":[],"x":1}`, encoded(t, e))
}

func TestRowsWithoutARawOfTheirOwnNeverTakeFieldsOfEachOther(t *testing.T) {
	t.Parallel()
	var e concur.Expense
	require.NoError(t, json.Unmarshal([]byte(`{"expenseId":"1","customData":[{"id":"custom1","value":"A","isValid":true,"x":"1"},{"id":"custom2","value":"B","isValid":true,"x":"2"}]}`), &e))
	e.CustomData[0], e.CustomData[1] = e.CustomData[1], e.CustomData[0]
	require.JSONEq(t, `{"expenseId":"1","customData":[{"id":"custom2","value":"B","isValid":true,"x":"2"},{"id":"custom1","value":"A","isValid":true,"x":"1"}]}`, encoded(t, e))
}

func TestAVendorThatWasReadEncodesToWhatCame(t *testing.T) {
	t.Parallel()
	const came = `{"VendorCode":"V1","PaymentTerms":30,"Approved":"Y","IsVisibleForContentExtraction":null,"Custom07":"x","Custom2":null,"Tomorrow":{"a":1.50}}`
	var v concur.Vendor
	require.NoError(t, json.Unmarshal([]byte(came), &v))
	require.JSONEq(t, came, encoded(t, v))
	require.Contains(t, encoded(t, v), `{"a":1.50}`, "digit by digit")
	v.Custom["custom7"], v.City = "y", "Ulm"
	require.JSONEq(t, `{"VendorCode":"V1","PaymentTerms":30,"Approved":"Y","IsVisibleForContentExtraction":null,"Custom07":"y","Custom2":null,"Tomorrow":{"a":1.50},"City":"Ulm"}`, encoded(t, v))
}

func TestReadingAPaymentRequestLeavesNothingOfTheOneBefore(t *testing.T) {
	t.Parallel()
	var r concur.PaymentRequest
	require.NoError(t, json.Unmarshal([]byte(`{"ID":"1","InvoiceAmount":"5.00","CurrencyCode":"EUR","Custom1":"x","LineItems":{"LineItem":[{"LineItemId":"1","Tax":"2"}]}}`), &r))
	require.NoError(t, json.Unmarshal([]byte(`{"ID":"2"}`), &r))
	require.Equal(t, concur.PaymentRequest{ID: "2", Raw: json.RawMessage(`{"ID":"2"}`)}, r)
}
