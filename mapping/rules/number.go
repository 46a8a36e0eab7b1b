package rules

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// hashLength is how many characters of a hash stand in for what does not fit.
const hashLength = 8

// number gives the invoice its number. A supplier's own stays as it is; a
// report's is made of prefix, report number, revision and counterparty, the
// same whenever the report is mapped.
func (r *run) number(g *group, d *draft) {
	inv := &d.invoice
	own := strings.TrimSpace(r.doc.Number)
	if own == "" {
		r.issue(connector.Issue{Code: NumberMissing, Field: "number", Message: fmt.Sprintf("the %s has no number", r.doc.Kind)})
		return
	}
	limit := r.rules.Numbers.MaxLength
	if r.doc.Kind == document.Invoice {
		inv.Number = own
		if n := utf8.RuneCountInString(own); n > limit {
			r.issue(connector.Issue{
				Code: NumberTooLong, Field: "number", Value: own,
				Message: fmt.Sprintf("the supplier's number has %d characters and the ERP takes %d; it is never cut, since two numbers could become one", n, limit),
			})
		}
		if !utf8.ValidString(own) || strings.ContainsFunc(own, unicode.IsControl) {
			r.issue(connector.Issue{Code: NumberInvalid, Field: "number", Value: own})
		}
		d.because("number", own, "the supplier's own number", "")
		return
	}
	code := g.code
	if inv.DebitMemo {
		code += "D"
	}
	inv.MadeUp = true
	rule := "numbers.prefix (" + r.set.at(r.rules.Numbers.Prefix.at) + ")"
	if at := r.rules.Numbers.Report.at; at.line != 0 {
		rule = "numbers.report (" + r.set.at(at) + ")"
	}
	whole := r.madeUp(own, code)
	inv.Code = g.code
	inv.Number = fit(whole, limit)
	if inv.Number != whole {
		rule += ", made to fit by a hash"
	}
	d.because("number", inv.Number, rule, whole)
}

// madeUp is the number of a report's invoice for the counterparty of a code,
// before it is made to fit.
func (r *run) madeUp(own, code string) string {
	whole, _ := r.rules.Numbers.Report.fill(func(word string) string {
		switch word {
		case "prefix":
			return r.rules.Numbers.Prefix.value
		case "number":
			return own
		case "revision":
			return strconv.FormatInt(r.doc.Revision, 10)
		case "code":
			return code
		default:
			return r.company
		}
	})
	return whole
}

// fit returns a number that the ERP takes: itself where it fits; else as much
// of it as fits, with a hash of all of it, so that two numbers never become one.
func fit(whole string, limit int) string {
	if len(whole) <= limit && numberText.MatchString(whole) {
		return whole
	}
	var head strings.Builder
	for _, c := range whole {
		if head.Len() == limit-hashLength-1 {
			break
		}
		if c < utf8.RuneSelf && numberText.MatchString(string(c)) {
			head.WriteRune(c)
		} else {
			head.WriteByte('_')
		}
	}
	sum := sha256.Sum256([]byte(whole))
	return head.String() + "-" + base32.StdEncoding.EncodeToString(sum[:])[:hashLength]
}
