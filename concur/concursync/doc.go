// Package concursync is Concur's ends of a flow: sources of expense reports, of
// suppliers' invoices and of financial documents, the bridge from Concur's events to an engine, and a
// token store over an engine's store.
//
// # Wiring
//
//	tokens, err := concur.NewTokenSource(app, concursync.TokenStore(store, "acme", nil), nil)
//	…
//	client := concur.NewClient(tokens, nil)
//	err = engine.Add(e, engine.Flow[document.Document, document.Posting]{
//		Tenant: "acme", Name: "reports-to-ap", Target: "erp-ap",
//		Source: concursync.Reports(client, nil),
//		…
//	})
//	http.Handle("/concur/events", concur.NewEventHandler(concursync.Notify(e, "acme"), &concur.EventOptions{Verifier: v}))
//
// # When a document is ready
//
// A report is ready when its payment status says that it was finally approved:
// processing payment, payment confirmed or paid. The approval status "approved"
// alone does not say so. A report that was sent back or recalled is withdrawn,
// whatever it was before; a draft or one on its way through approval is not yet
// ready. The codes of invoices are each customer's own and have to be named in
// PaymentRequestsOptions.
//
// # What is read
//
// A sweep asks version 3 which reports changed; version 4 gives the header, each
// expense whole, its itemizations in place of itself, and its allocations;
// version 3 gives the date of final approval, which decides the period, and says
// which expenses Expense Pay pays and whether a cash advance is applied; list
// items give the codes behind custom fields. Rejected expenses are left out.
// What was read is read again at its head, so that a report that changed
// meanwhile is not posted half old and half new.
//
// # Going live
//
// What was approved before the connector came was posted by whatever came before
// it. So the first sweep begins at its own moment, and nothing that changed
// before is looked at, unless From of ReportsOptions and PaymentRequestsOptions
// names an earlier one. Set it to the moment of going live. It bounds sweeps
// alone: an event, and a later change of an old report, such as its payment, lead
// to that report. Before going live, what is open in Concur should be posted.
//
// # Cash advances and Expense Pay
//
// Neither is posted as Concur settles it. The header's amounts due, and what
// version 3 says, go into the document's Settlement and its entries, so that a
// mapping notices: package mapping/rules parks a report on which an advance is
// set off, one of which other amounts are due than the rules give, and one that
// Expense Pay pays, unless the rules name a vendor for that. Reports that version
// 3 does not show, those of Central Reconciliation, have the header's amounts
// alone.
//
// # Financial documents
//
// Financial is the source to prefer where a customer has the Financial Integration
// Service: a queue of what was finally approved, each document with its journal,
// which names accounts, counterparties and taxes, and an answer to each of them:
// taken, posted, not posted and why, paid. Its documents bear the ids that the other
// two sources give them, so that flows of one target never post one twice: the flow
// that first saw it ready keeps it. What stays in the queue because another flow
// has it, or because it cannot be read, holds up nothing.
//
// A journaled document needs no Settlement: cash advances stand in it line by
// line, and so does what Expense Pay or the payroll pays.
//
// # Reference data
//
// ListCopy and VendorCopy are copies of reference sets: a list of Concur, and
// the vendors of Concur Invoice. Their writes may be repeated without harm. No
// hyphen goes into a list; EncodeCode says what goes out in its place, and a
// source of reports reads it back. Vendors and Employees read what Concur has,
// to be reconciled with a vendor master.
//
// # Errors
//
// A document whose header is not there is connector.ErrNotFound; nothing else that
// is not found says so. A refused token, or a call that is refused again after a
// refresh, is connector.ErrConnection: a scope or a connection needs mending. When
// it is one document that is refused, while another one can be read, that one is
// rejected with a code of Codes, and so is what a person must mend in it.
// Everything else is transient.
//
// Everything is safe for concurrent use.
package concursync
