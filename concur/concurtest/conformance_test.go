package concurtest_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// definition is what is read of a schema: types and formats differ between the
// vendor's files and its samples, names hardly do.
type definition struct {
	Ref        string                `json:"$ref"`
	Properties map[string]definition `json:"properties"`
	Items      *definition           `json:"items"`
	Required   any                   `json:"required"` // a list, or a stray boolean
}

type specification struct {
	Definitions map[string]definition `json:"definitions"`
	Components  struct {
		Schemas map[string]definition `json:"schemas"`
	} `json:"components"`
}

func (s specification) named(name string) definition {
	if d, found := s.Components.Schemas[name]; found {
		return d
	}
	return s.Definitions[name]
}

// compare reports the members of v that d does not know and those that it
// requires and v lacks.
func (s specification) compare(where string, d definition, v any, report func(string)) {
	if d.Ref != "" {
		d = s.named(d.Ref[strings.LastIndex(d.Ref, "/")+1:])
	}
	switch v := v.(type) {
	case []any:
		item := d
		if d.Items != nil {
			item = *d.Items
		}
		for _, e := range v {
			s.compare(where+"[]", item, e, report)
		}
	case map[string]any:
		if len(d.Properties) == 0 {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			p, known := d.Properties[name]
			if !known {
				report("unknown " + where + "." + name)
				continue
			}
			s.compare(where+"."+name, p, v[name], report)
		}
		for _, name := range rows(d.Required) {
			if _, present := v[text(name)]; !present {
				report("missing " + where + "." + text(name))
			}
		}
	}
}

// exceptions are the differences that the documentation's prose or samples want.
func exceptions() []string {
	return []string{
		// The prose and the samples have them, the file does not.
		"unknown expense.invoiceId", "unknown expense.ticketNumber",
		// The file requires what it does not define.
		"missing list.category.value", "missing lists.content[].category.value",
		// In the documentation's table only.
		"unknown digests.PaymentRequestDigest[].ExtractedDate", "unknown digests.PaymentRequestDigest[].LastModifiedDate",
		"unknown digests.PaymentRequestDigest[].PaymentMethod",
		// Live answers are reported to have them.
		"unknown paymentrequest.VendorRemitAddress.AddressCode", "unknown paymentrequest.VendorRemitAddress.ExternalId",
		"unknown paymentrequest.VendorRemitAddress.VendorCode",
	}
}

// Each answer has the names of the vendor's specification: none unknown, none
// that it requires missing.
func TestAnswersHaveTheNamesOfTheSpecification(t *testing.T) {
	t.Parallel()
	dir := openapi(t)
	s := concurtest.NewServer(t, nil)
	co, centres := acme(s)
	r := co.AddApprovedReport(trip(centres))
	p := co.AddApprovedPaymentRequest(invoice("INV-1"))
	ada := userID(t, s, co, "ada@acme.example")
	base := path(r, ada)
	compared, unused := 0, exceptions()
	for _, tt := range []struct{ where, file, schema, path string }{
		{"report", "v4-0_Reports.swagger.json", "ReportForm", base},
		{"expenses", "v4-0_Reports.swagger.json", "ReportEntrySummary", base + "/expenses"},
		{"expense", "v4-0_Reports.swagger.json", "ReportEntryDetail", base + "/expenses/" + r.Expenses[0].ID},
		{"itemizations", "v4-0_Reports.swagger.json", "ReportEntryItemizationSummary", base + "/expenses/" + r.Expenses[2].ID + "/itemizations"},
		{"allocations", "v4-0_Reports.swagger.json", "Allocation", base + "/expenses/" + r.Expenses[3].ID + "/allocations"},
		{"error4", "v4-0_Reports.swagger.json", "ErrorMessage", base + "/expenses/none"},
		{"reports3", "v3-0_Reports.swagger2.json", "ReportCollection", "/api/v3.0/expense/reports?user=ALL"},
		{"report3", "v3-0_Reports.swagger2.json", "ReportGet", "/api/v3.0/expense/reports/" + r.ID + "?user=ada@acme.example"},
		{"lists", "v4-0_List.swagger2.json", "PagedResourcesListResponse", "/list/v4/lists"},
		{"list", "v4-0_List.swagger2.json", "ListResponse", "/list/v4/lists/" + centres.ID()},
		{"children", "v4-0_ListItem.swagger2.json", "PagedResourcesListItem", "/list/v4/lists/" + centres.ID() + "/children"},
		{"item", "v4-0_ListItem.swagger2.json", "ListItem", "/list/v4/items/" + centres.Value("100").ItemID},
		{"errorlist", "v4-0_ListItem.swagger2.json", "ErrorMessage", "/list/v4/items/none"},
		{"users", "v4-1_Identity.swagger2.json", "UserList", "/profile/identity/v4.1/Users"},
		{"user", "v4-1_Identity.swagger2.json", "User", "/profile/identity/v4.1/Users/" + ada},
		{"paymentrequest", "v3-0_PaymentRequest.swagger2.json", "PaymentRequest", "/api/v3.0/invoice/paymentrequest/" + p.ID},
		{"digests", "v3-0_PaymentRequestDigest.swagger2.json", "PaymentRequestDigestCollection", "/api/v3.0/invoice/paymentrequestdigests"},
		{"localized", "v3-0_LocalizedData.swagger2.json", "LocalizationDataCollection", "/api/v3.0/invoice/localizeddata?type=paymentStatus"},
	} {
		b, err := os.ReadFile(filepath.Join(dir, tt.file))
		require.NoError(t, err)
		var spec specification
		require.NoError(t, json.Unmarshal(b, &spec), tt.file)
		d := spec.named(tt.schema)
		require.NotEmpty(t, d.Properties, "%s has no schema %s", tt.file, tt.schema)
		var v any
		require.NoError(t, json.Unmarshal([]byte(get(t, s, co, tt.path).body), &v))
		spec.compare(tt.where, d, v, func(difference string) {
			if slices.Contains(exceptions(), difference) {
				unused = slices.DeleteFunc(unused, func(e string) bool { return e == difference })
				return
			}
			t.Error(difference)
		})
		compared++
	}
	require.Empty(t, unused, "exceptions that nothing needs")
	t.Logf("%d answers compared with the vendor's specification, %d exceptions", compared, len(exceptions()))
}
