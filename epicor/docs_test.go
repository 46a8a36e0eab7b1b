package epicor_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
)

// The page about what is covered names every operation, and nothing else.
func TestTheReferencePageNamesEveryOperation(t *testing.T) {
	page, err := os.ReadFile("../docs/reference/epicor.md")
	require.NoError(t, err)
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Za-z.]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		if !strings.HasPrefix(row[1], "Err") {
			documented = append(documented, row[1])
		}
	}
	// No calls of their own.
	quiet := []string{"Client.Company", "Client.String", "Client.GoString", "Client.NumberLength"}
	for i, entities := 0, reflect.TypeFor[*epicor.Entities[epicor.APInvoiceGroup]](); i < entities.NumMethod(); i++ {
		quiet = append(quiet, "APInvoiceGroupService."+entities.Method(i).Name) // documented once, of Entities
	}
	want := []string{"Basic", "Bearer", "TokenResource", "ClientCredentials", "StaticToken", "CredentialFunc", "NewBAQ", "PostInputs"}
	for name, v := range map[string]any{
		"Client": &epicor.Client{}, "APInvoiceService": &epicor.APInvoiceService{}, "AttachmentService": &epicor.AttachmentService{},
		"APInvoiceGroupService": &epicor.APInvoiceGroupService{}, "APInvoicePostService": &epicor.APInvoicePostService{},
		"Entities": &epicor.Entities[epicor.Vendor]{},
	} {
		rt := reflect.TypeOf(v)
		for i := range rt.NumMethod() {
			if m := name + "." + rt.Method(i).Name; !slices.Contains(quiet, m) {
				want = append(want, m)
			}
		}
	}
	client := reflect.TypeFor[epicor.Client]()
	for i := range client.NumField() {
		f := client.Field(i)
		if f.IsExported() && (strings.Contains(f.Type.String(), "Entities[") || f.Name == "APInvoiceGroups") {
			want = append(want, "Client."+f.Name)
		}
	}
	require.ElementsMatch(t, want, documented)
}
