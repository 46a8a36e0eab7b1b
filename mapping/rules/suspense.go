package rules

import "fmt"

// suspend books a share that no rule matches to the suspense account, where the
// rules name one and the document has no more of it than they allow. Amounts of
// both signs count in full: what cancels out is still to be sorted.
func (r *run) suspend(sh share, s subject, at, field string, d *draft) (account string, ok bool) {
	rules := r.rules.Accounts.Suspense
	most, capped := rules.Most[r.doc.Currency]
	if rules.Account.value == "" || !capped {
		return "", false
	}
	r.suspended = r.suspended.Add(sh.amount.Abs())
	if r.suspended.GreaterThan(most) {
		return "", false
	}
	named := "accounts.suspense (" + r.set.at(rules.Account.at) + ")"
	d.because(field+", GL account", rules.Account.value, named, "no account rule matches expense type "+s.word("expense_type"))
	r.checkAccount(rules.Account.value, at, named)
	return rules.Account.value, true
}

// tooMuch says that the suspense account would have been too much.
func (r *run) tooMuch() string {
	rules := r.rules.Accounts.Suspense
	most, capped := rules.Most[r.doc.Currency]
	switch {
	case rules.Account.value == "":
		return ""
	case !capped:
		return ", and the suspense account takes nothing in " + r.doc.Currency
	default:
		return fmt.Sprintf(", and this is more than the %s %s of a document that the suspense account takes", most.StringFixed(int32(r.digits)), r.doc.Currency)
	}
}
