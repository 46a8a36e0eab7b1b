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
	want := []string{"Basic", "Bearer", "TokenResource", "ClientCredentials", "StaticToken", "CredentialFunc", "NewBAQ"}
	for name, v := range map[string]any{
		"Client": &epicor.Client{}, "APInvoiceService": &epicor.APInvoiceService{}, "AttachmentService": &epicor.AttachmentService{},
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
		if f.IsExported() && strings.Contains(f.Type.String(), "Entities[") {
			want = append(want, "Client."+f.Name)
		}
	}
	require.ElementsMatch(t, want, documented)
}
