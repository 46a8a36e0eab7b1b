package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/sync/document"
)

// print writes a value as indented JSON, for programs: amounts with all the
// digits of their currency.
func (p *program) print(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	var out bytes.Buffer
	d := json.NewDecoder(&b)
	d.UseNumber()
	n, err := parse(d)
	if err != nil {
		return err
	}
	if err := n.write(&out, ""); err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, out.Bytes(), "", "  "); err != nil {
		return err
	}
	indented.WriteByte('\n')
	_, err = indented.WriteTo(p.stdout)
	return err
}

// node is a JSON value whose members keep their order.
type node struct {
	kind   json.Delim // '{', '[' or 0
	names  []string   // of an object's members
	values []node
	scalar any
}

func parse(d *json.Decoder) (node, error) {
	token, err := d.Token()
	if err != nil {
		return node{}, err
	}
	open, is := token.(json.Delim)
	if !is {
		return node{scalar: token}, nil
	}
	n := node{kind: open}
	for d.More() {
		if open == '{' {
			name, err := d.Token()
			if err != nil {
				return n, err
			}
			text, _ := name.(string) // the grammar has nothing else there
			n.names = append(n.names, text)
		}
		v, err := parse(d)
		if err != nil {
			return n, err
		}
		n.values = append(n.values, v)
	}
	_, err = d.Token()
	return n, err
}

// amounts are the members that hold an amount in the currency that stands beside
// them or around them.
var amounts = []string{
	"amount", "approved", "posted", "saved", "open", "recalled", "skipped", "difference", "in_concur", "in_epicor", "earlier", "debit", "credit",
}

var amountForm = regexp.MustCompile(`^-?\d+(\.\d+)?$`)

// write writes a value; currency is that of what is around it.
func (n *node) write(b *bytes.Buffer, currency string) error {
	if n.kind == 0 {
		return scalar(b, n.scalar)
	}
	if i := slices.Index(n.names, "currency"); i >= 0 {
		if own, is := n.values[i].scalar.(string); is {
			currency = own
		}
	}
	b.WriteRune(rune(n.kind))
	for i := range n.values {
		if i > 0 {
			b.WriteByte(',')
		}
		v := &n.values[i]
		if n.kind == '{' {
			if err := scalar(b, n.names[i]); err != nil {
				return err
			}
			b.WriteByte(':')
			if text, is := v.scalar.(string); is && currency != "" && slices.Contains(amounts, n.names[i]) {
				v.scalar = minor(text, currency)
			}
		}
		if err := v.write(b, currency); err != nil {
			return err
		}
	}
	b.WriteRune(rune(n.kind) + 2) // the closing one stands two behind the opening one
	return nil
}

// minor gives an amount all the digits of its currency: "412.40", never fewer
// than it has.
func minor(text, currency string) string {
	digits, known := document.MinorUnits(currency)
	if !known || !amountForm.MatchString(text) {
		return text
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return text
	}
	return d.StringFixed(max(int32(digits), -d.Exponent()))
}

func scalar(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
