package sample

import "github.com/ml-connector/ml-connector/concur/concurtest"

// NoAccount is the supplier invoice that More adds, and MissingAccount the GL
// account that Epicor lacks for it.
const (
	NoAccount      = "INV-20533"
	MissingAccount = "5100|310|01"
)

// The lists of the company that reference data of Epicor is kept in.
const (
	CentreList  = "Cost centres"
	AccountList = "GL accounts"
)

// More adds what the demonstration does not need: a submitted supplier invoice
// that is booked to an account which Epicor does not have, and an empty list for GL
// accounts.
func More(c *Company) {
	c.AddList(AccountList)
	p := c.AddPaymentRequest(concurtest.PaymentRequest{
		InvoiceNumber: NoAccount, Vendor: delta, Owner: tom.login(), Policy: "AP", InvoiceDate: day(3),
		Lines: []concurtest.Line{{Description: "Gauge for service", ExpenseType: "TOOLG", Amount: money("184.60"), Custom: centre("310")}},
	})
	c.SubmitPaymentRequest(p.ID)
}
