// Package rules turns spend documents into AP invoices by rules that finance
// people keep in a YAML file.
//
// The smallest complete program reads a file, joins it to what the ERP has, and
// maps a document:
//
//	set, err := rules.LoadFile("mapping.yaml")
//	m := rules.New(set, tables) // tables over the ERP, or rules.StaticTables
//	result, err := m.Map(ctx, doc)
//
// # What the file says
//
// version and company (which ledger is which company of the ERP),
// counterparties (who is owed for which payment type), employees and suppliers
// (which vendor they are), cost_centres (which segment a cost centre is) and
// accounts (which GL account an expense is booked to) are its sections; the
// file testdata/mapping.yaml shows every key with its meaning. Account rules
// are tried in the order of the file, or of their ranks where they have some,
// and the first that matches counts. Codes are text, however they are written:
// 0021 keeps its zeros and NO is Norway.
//
// Tables turn codes into a segment, or the whole account: their rows stand in the
// file, in a CSV file beside it, or where Tables keep them (RowStore). Rules are
// filed by what they ask for, so that ten thousand of them take no longer than
// ten. Schema is for editors.
//
// # Trying rules
//
// Lint says what can never count, Cover what rules make of past documents by
// value, and Compare what another version would make of them. Unchecked stands in
// for an ERP that cannot be asked.
//
// # What comes out
//
// One AP invoice for each counterparty of a report, or a debit memo where it
// owes; one for a supplier's invoice. Amounts are taken as approved: nothing is
// converted, no tax is computed from a rate. A cost centre comes from the
// allocation, the expense or the header, never from the employee. A vendor is
// one that the ERP has; none is ever created. A Reason stands for every value,
// with the rule and its line.
//
// What the invoices come to is compared with what the source says is due to the
// employee and to cards. A cash advance that is set off, and what Expense Pay pays
// where expense_pay names no vendor, are not posted: such a report parks, and is
// entered by hand.
//
// # How it fails
//
// Load returns Errors: all faults of a file at once, each with line and column.
// Map returns mapping.Issues: all that is wrong with a document at once, each
// with one of the codes of Codes, who can mend it and how. An unknown code
// never falls through to a default. Every other error of Map says that the
// ERP's tables could not be read, and is transient.
//
// Map is pure: the same document, rules and tables give the same posting, and
// Result.Version names rules and tables together. Set and Mapper are immutable
// and safe for concurrent use.
package rules
