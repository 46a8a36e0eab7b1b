// Package epicorsync is Epicor's ends of a flow: postings become AP invoices and
// debit memos, and mappings get the vendors and GL accounts that Epicor has.
//
// The smallest complete program, beside a source, rules and a store:
//
//	sink := epicorsync.Invoices(client, nil)   // a connector.Sink[document.Posting]
//	tables := epicorsync.Tables(client, nil)   // for rules.New(set, tables)
//	err := engine.Add(e, engine.Flow[document.Document, document.Posting]{
//		Tenant: "acme", Name: "reports-to-ap", Target: "epicor-ap",
//		Source: source, Mapper: rules.New(set, tables), Sink: sink,
//	})
//
// # Reference data
//
// AccountsOriginal, SegmentOriginal and VendorsOriginal are originals of
// reference sets, for an engine.Mirror: whole sets, read in full each time, since
// Epicor's tables bear no change stamp. Vendors reads the vendor master to be
// reconciled.
//
// # What fails, and how
//
// A rule of Epicor's business that was broken is a *connector.Rejection with a
// code, the value and who mends it. A credential, a scope or a missing right is
// connector.ErrConnection. Everything else is transient, and after a write its
// outcome is unknown: the engine looks with Find, which asks Epicor by the
// delivery's key and by vendor and number.
//
// InvoiceSink and TableReader are safe for concurrent use.
package epicorsync
