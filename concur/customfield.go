package concur

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
)

// CustomField is a field that a customer defined, as the version 4 services
// write it.
type CustomField struct {
	ID string `json:"id"` // "custom15", "orgUnit1"
	// Value is a text or, for a field that takes its values from a list, the id of
	// the list item: 32 hexadecimal digits, not the code. See ListItem.
	Value       Text   `json:"value"`
	IsValid     bool   `json:"isValid"`
	ListItemURL string `json:"listItemUrl"` // names the item in its query; its host may be an old one
}

var itemID = regexp.MustCompile(`^(?i)[0-9a-f]{32}$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// ListItem returns the id of the list item that the field holds, for
// ListItems.Get. It reports false for a text. A value that looks like an item's
// id is taken for one also without a link: allocations have none.
func (f CustomField) ListItem() (id string, ok bool) {
	if itemID.MatchString(string(f.Value)) {
		return string(f.Value), true
	}
	if f.ListItemURL == "" {
		return "", false
	}
	u, err := url.Parse(f.ListItemURL)
	if err != nil {
		return "", false
	}
	id = u.Query().Get("id")
	return id, itemID.MatchString(id)
}

// CustomValue is a field that a customer defined, as the version 3 services of
// expense write it.
type CustomValue struct {
	Type       string `json:"Type"` // Amount, Boolean, ConnectedList, Date, Integer, List, Number, Text
	Value      Text   `json:"Value"`
	Code       Text   `json:"Code"` // of a list item
	ListItemID Text   `json:"ListItemID"`
}

var customName = regexp.MustCompile(`^(Custom|OrgUnit)0*([1-9][0-9]?)$`)

// customFields collects Custom1…, Custom01…, OrgUnit1… of an object under the
// names that version 4 uses, "custom1" and "orgUnit1". Nulls are left out.
func customFields[T any](object map[string]json.RawMessage) (map[string]T, error) {
	var fields map[string]T
	for name, raw := range object {
		m := customName.FindStringSubmatch(name)
		if m == nil || string(raw) == "null" {
			continue
		}
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, err
		}
		if fields == nil {
			fields = make(map[string]T)
		}
		fields[strings.ToLower(m[1][:1])+m[1][1:]+m[2]] = v
	}
	return fields, nil
}

// customValues collects the custom fields of an object of the version 3
// services of expense.
func customValues(object []byte) (map[string]CustomValue, error) {
	var fields map[string]CustomValue
	err := members(object, func(name, _, value []byte) error {
		if kind(value) != '{' {
			return nil // most of the sixty are null
		}
		id := customID(name)
		if id == "" {
			return nil
		}
		var v CustomValue
		if err := json.Unmarshal(value, &v); err != nil {
			return err
		}
		if fields == nil {
			fields = make(map[string]CustomValue)
		}
		fields[id] = v
		return nil
	})
	return fields, err
}

// customID turns Custom1, Custom01, OrgUnit1 into custom1 and orgUnit1, and
// anything else into "".
func customID(name []byte) string {
	lower := "custom"
	digits, ok := bytes.CutPrefix(name, []byte("Custom"))
	if !ok {
		lower = "orgUnit"
		if digits, ok = bytes.CutPrefix(name, []byte("OrgUnit")); !ok {
			return ""
		}
	}
	digits = bytes.TrimLeft(digits, "0")
	if len(digits) < 1 || len(digits) > 2 {
		return ""
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return ""
		}
	}
	return lower + string(digits)
}
