// Package concursync is Concur's ends of a flow: sources of expense reports and
// of suppliers' invoices, the bridge from Concur's events to an engine, and a
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
// version 3 gives the date of final approval, which decides the period; list
// items give the codes behind custom fields. Rejected expenses are left out.
// What was read is read again at its head, so that a report that changed
// meanwhile is not posted half old and half new.
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
// A document that is not there is connector.ErrNotFound. A refused token, or a
// call that is refused again after a refresh, is connector.ErrConnection: a
// scope or a connection needs mending. Everything else is transient.
//
// Everything is safe for concurrent use.
package concursync
