package concur

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// texts builds the object of a version 3 service of invoices, whose
// specification makes every scalar a text. Empty ones are left out.
type texts map[string]any

func (t texts) put(name, text string) {
	if text != "" {
		t[name] = text
	}
}

// decimalText is the text of a number, "" of none: an amount that nobody gave must
// not become 0.
func decimalText(d Decimal) string {
	if !d.Present() {
		return ""
	}
	return d.String()
}

// custom adds the fields that the customer defined under the names of the write
// model, Custom01 and OrgUnit01, and then whatever else the caller named.
func (t texts) custom(fields, other map[string]string) error {
	for _, id := range slices.Sorted(maps.Keys(fields)) {
		m := customInputName.FindStringSubmatch(id)
		if m == nil {
			return badCustom(id)
		}
		digits := m[2]
		if len(digits) == 1 {
			digits = "0" + digits
		}
		t[strings.ToUpper(m[1][:1])+m[1][1:]+digits] = fields[id]
	}
	for name, text := range other {
		t[name] = text
	}
	return nil
}

var customInputName = regexp.MustCompile(`^(custom|orgUnit)([1-9][0-9]?)$`)

func badCustom(id string) error {
	return fmt.Errorf("custom field %.40q: want a name such as custom1 or orgUnit1", id)
}

// withCustomInput encodes an input of the version 3 services of expense with its
// custom fields, which are called Custom1 and OrgUnit1 there.
func withCustomInput(plain any, fields map[string]string) ([]byte, error) {
	b, err := json.Marshal(plain)
	if err != nil || len(fields) == 0 {
		return b, err
	}
	b = b[:len(b)-1]
	for _, id := range slices.Sorted(maps.Keys(fields)) {
		if !customInputName.MatchString(id) {
			return nil, badCustom(id)
		}
		text, err := json.Marshal(fields[id])
		if err != nil {
			return nil, err
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(b, fmt.Sprintf("%q:", strings.ToUpper(id[:1])+id[1:])...), text...)
	}
	return append(b, '}'), nil
}

// createdV3 is what the version 3 services answer to a write. The address is not
// called.
type createdV3 struct {
	ID  string `json:"ID"`
	URI string `json:"URI"`
}

// id returns what a write made. An answer of success that names nothing leaves
// open what was made, so that it is an error that is no refusal.
func (a *createdV3) id(operation, what string) (string, error) {
	if a.ID == "" {
		return "", &Error{Operation: operation, Err: errors.New("the answer does not name the " + what + " that was written: look for it before writing again")}
	}
	return a.ID, nil
}

func notSent(operation, what string) error {
	return &Error{Operation: operation, Status: http.StatusBadRequest, Message: what + "; nothing was sent"}
}
