package document

import (
	"fmt"
	"strings"
)

// ListItem is one value that people choose from a list: a GL account, a cost
// centre. Codes are those of the system that owns them, whatever an end has to
// write in their place.
type ListItem struct {
	Code string `json:"code"`
	Name string `json:"name"`
	// Parents are the codes of the levels above, from the top; none on the first.
	Parents []string `json:"parents,omitempty"`
}

// Key names the item within its list: on the first level it is the code itself.
// On a lower one the codes stand behind one another with a "/" between, and what
// is "/" or "~" in a code is written "~1" or "~0", as in a JSON pointer.
// ListPath takes a key apart.
func (i ListItem) Key() string {
	var b strings.Builder
	for _, code := range i.Parents {
		b.WriteString(pointer.Replace(code) + "/")
	}
	return b.String() + pointer.Replace(i.Code)
}

// ListPath returns the codes that a ListItem's Key was made of, from the top. It
// fails for what is no key.
func ListPath(key string) ([]string, error) {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		code := unpointer.Replace(p)
		if code == "" || pointer.Replace(code) != p {
			return nil, fmt.Errorf("document: %.80q is no key of a list item", key)
		}
		parts[i] = code
	}
	return parts, nil
}

// Both are read, never written.
var (
	pointer   = strings.NewReplacer("~", "~0", "/", "~1")
	unpointer = strings.NewReplacer("~0", "~", "~1", "/")
)

// Address is where a vendor is paid or written to. It is personal data where
// the vendor is a person.
type Address struct {
	Line1      string `json:"line1,omitempty"`
	Line2      string `json:"line2,omitempty"`
	Line3      string `json:"line3,omitempty"`
	City       string `json:"city,omitempty"`
	State      string `json:"state,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Country    string `json:"country,omitempty"` // ISO 3166, two letters
}

// Employee is a person whose expenses are paid, with what reconciling needs.
type Employee struct {
	Person
	Inactive bool `json:"inactive,omitempty"`
}
