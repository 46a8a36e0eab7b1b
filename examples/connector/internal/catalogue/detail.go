package catalogue

// inConcur are the steps to correct a document in Concur.
func inConcur(what string) []string {
	return []string{
		"Open the document in Concur; `ml-connector transfers show NUMBER` names the place.",
		what,
		"Where Concur lets nobody change what is approved, send it back to its owner: approved again it comes as a new revision, by itself.",
	}
}

// inRules are the steps to correct mapping.yaml.
func inRules(what string) []string {
	return []string{
		what,
		"`ml-connector check -c config.yaml` reads the file and says whether it is sound. A running connector reads it again by itself; a file with faults changes nothing.",
	}
}

// inEpicor are the steps to correct master data of Epicor.
func inEpicor(what string) []string {
	return []string{
		what,
		"`ml-connector vendors reconcile -c config.yaml` shows whether other vendors lack the same, and `ml-connector check -c config.yaml` looks for accounts that the rules name.",
	}
}

// defect are the steps where nobody but the makers can mend.
func defect(what string) []string {
	return []string{
		what,
		"`ml-connector transfers show NUMBER --json` and `ml-connector audit show NUMBER --json` hold what the report of a defect needs. Both hold data of persons: pass them on with care.",
	}
}

// details are read, never written.
var details = map[string]detail{
	"account_inactive": {
		on:    appears,
		steps: inEpicor("Make the account active in Epicor, or change the dates from and to which it may be used so that they hold the apply date; or name another account in the rule that the message names."),
	},
	"account_unknown": {
		on:    appears,
		steps: inEpicor("Create the account in Epicor's chart of accounts; or correct the rule that the message names, where the account should not exist."),
	},
	"account_unmapped": {steps: inRules("Add a rule for the expense type under accounts.rules, or the type to a rule that is there: the first rule that matches counts.")},
	"allocation_mismatch": {
		steps: inConcur("Correct the allocations so that they add up to the amount of their expense."),
	},
	"allocation_percent": {steps: inConcur("Correct the percentages so that they add up to 100.")},
	"amount_too_fine":    {steps: inConcur("Correct the amount: it has more decimals than its currency.")},
	"apply_date_missing": {steps: []string{
		"Ask the Concur administrator why the document has no date of final approval. Reports that version 3 of the report interface does not show have none.",
		"Where it stays so, set apply_date.from: invoice_date in mapping.yaml: then the document's own date decides the period.",
	}},
	"cash_advance": {
		on:    different,
		other: "It stays open here and is never posted. The tie-out counts it as open until Concur no longer shows it as approved in the month; the amount to accrue holds it.",
		steps: []string{
			"Enter the report in Epicor by hand, with the figures under the report's totals in Concur: what the employee still gets, or owes, after the advance.",
			"Note in Epicor which report it is, for the tie-out.",
		},
	},
	"expense_pay": {steps: append([]string{
		"Make a vendor in Epicor for the Expense Pay clearing account: the company owes it what Concur's service pays out.",
	}, inRules("Name it: expense_pay: {vendor: V0095, code: X}. Do not pay the employee. Where the company does not use Expense Pay at all: expense_pay: none.")...)},
	"payroll_pay": {steps: append([]string{
		"Make a vendor in Epicor for the payroll's clearing account: the company owes it what the payroll pays out.",
	}, inRules("Name it: payroll: {vendor: V0096, code: R}. Do not pay the employee.")...)},
	"tax_unmapped":  {steps: inRules("Add the reclaim code that the message names under taxes.reclaim: with a GL account, or with a code and rate of Epicor's taxes.")},
	"tax_mismatch":  {steps: defect("Open the document in Concur and compare the taxes of the expense that the message names with its amount. Where they add up there, it is a fault of the interface: report it to SAP Concur.")},
	"rate_mismatch": {steps: inConcur("Compare what was spent, the exchange rate and the approved amount of the expense, and correct what is wrong. Amounts are never converted here; the rate is only a check.")},
	"financial_unreadable": {
		on:    different,
		other: "Recalled and approved again it comes as a new document, by itself. A replay of this one then ends it: it is no longer in the queue.",
		steps: []string{
			"Find the document in Concur: the message holds the service's id, and the support of SAP Concur finds it by that.",
			"Recall it and let it be approved again. Where the new one cannot be read either, report it to SAP Concur and enter it in Epicor by hand.",
		},
	},
	"financial_state_unknown": {steps: []string{
		"See in Concur what became of the document: the message holds the state in which it is.",
		"Where it is to be posted, let it be approved again, or replay it once it is ready. Where it was posted otherwise, leave it as it is.",
	}},
	"po_variance": {steps: []string{
		"Compare the invoice with the order: the message holds both prices.",
		"Correct the order in Epicor, or send the invoice back to the supplier; or raise epicor.price_tolerance in the configuration, and start the connector again.",
	}},
	"receipt_missing": {steps: []string{
		"Look at the order and the line that the message names: what came must be received in Epicor first.",
		"Where a line has several receipts, name the pack slip of the one that is invoiced at the order's line in Concur.",
	}},
	"supplier_duplicate": {steps: []string{
		"Open the invoice that the message names in Epicor, and compare it with the document.",
		"Where they are one, send the document back in Concur, so that it is not approved any more. Where they are two, write the number in Concur as the supplier writes it; or enter the invoice in Epicor by hand.",
	}},
	"settlement_mismatch": {steps: append([]string{
		"Compare what the message says with the report's totals in Concur.",
	}, inRules("Where a payment type stands for the wrong party, correct it under counterparties. Where an advance or a deduction is the cause, enter the report by hand: it stays open here and is never posted.")...)},
	"expense_currency": {
		unseen: "SAP Concur approves all expenses of a report in the report's currency; no other one is known.",
		steps:  inConcur("Look at the expense that the message names. Amounts are never converted here; SAP Concur says why its currency differs."),
	},
	"invoice_forbidden": {steps: []string{
		"In Concur, see which group or policy the invoice belongs to, and let the connector's app read it: others of the company can be read.",
		"Where it shall not be read, enter the invoice in Epicor by hand.",
	}},
	"report_forbidden": {steps: []string{
		"In Concur, see which group or policy the report belongs to, and let the connector's app read it: others of the company can be read.",
		"Where it shall not be read, enter the report in Epicor by hand.",
	}},
	"report_owner_unknown": {steps: []string{
		"In Concur, see whose report it is, and whether that user is still active.",
		"Activate the user; or enter the report in Epicor by hand.",
	}},
	"charge_unknown":      {steps: defect("Update the connector to a version that knows the charge.")},
	"charge_unspreadable": {steps: inRules("Give the charge an account of its own under charges, in place of spread: its lines have no amount that it could be spread by.")},
	"company_foreign": {steps: []string{
		"See in the message which company the document belongs to by the rules.",
		"Where that is right, post it in that company: by the flow of a tenant for it, or by hand. Where it is wrong, correct the ledger or the code under company in mapping.yaml, or the allocation in Concur.",
	}},
	"company_unknown": {steps: inRules("Add the ledger that the message names under company.ledgers, or the code under company.codes.")},
	"content_gone": {
		stands: perhaps,
		steps: []string{
			"Stop the connector. Restore transfers.db and the vault's key from the same backup into a directory beside, and see with `ml-connector transfers show NUMBER` whether the document is whole there.",
			"Bring the stored contents or the key back, or settle the document in Epicor by hand.",
		},
	},
	"cost_centre_missing": {steps: inConcur("Enter the cost centre at the expense, or at its allocation. Where the account needs none, use an account without {cost_centre} in the rule instead.")},
	"cost_centre_unknown": {steps: inRules("Add the code to cost_centres.values, with the segment that it is booked to.")},
	"currency_not_in_epicor": {stands: takenBack, steps: []string{
		"Set the currency up in Epicor (Currency Master), with an exchange rate for the apply date.",
	}},
	"currency_unknown":      {steps: inConcur("Correct the currency: it is none of ISO 4217.")},
	"date_invalid":          {steps: inConcur("Correct the date that the message names.")},
	"document_kind_unknown": {steps: defect("Update the connector, or take the flow that brings such documents out.")},
	"drift": {
		stands: stays, on: different,
		other: "A replay looks in Epicor again and never posts anything: it goes on where what stands there is what was delivered.",
		steps: []string{
			"See in the message what is different, and in Epicor's change log who changed it.",
			"Put the AP invoice back to what was delivered: `ml-connector transfers show NUMBER` has every line. Where the change was right, change the document at its source instead: sent back and approved again it is looked at as a new revision.",
		},
	},
	"employee_id_missing": {steps: []string{
		"Enter the employee id in the user's profile in Concur: it is what the vendor in Epicor is found by.",
		"`ml-connector vendors reconcile -c config.yaml` shows who else has none.",
	}},
	"entry_repeated": {steps: defect("Open the report in Concur and see whether the expense stands there twice. Where it does, remove one and approve the report again.")},
	"epicor_question": {stands: takenBack, steps: []string{
		"Find the rule that asks: the message holds its words. It often is a BPM on the AP invoice's update.",
		"Let it not ask the connector's user, or decide by itself.",
	}},
	"epicor_refused": {stands: takenBack, steps: []string{
		"The message holds Epicor's own words. Find the rule in Epicor, often a BPM.",
		"Mend what it names, or let the rule not hold for the connector's user.",
	}},
	"group_foreign": {steps: []string{
		"See in Epicor who made the entry group with the name that the message holds.",
		"Post or remove it; or set epicor.group_prefix in the configuration to letters that nobody else uses, and start the connector again. Where the connector itself made the group under another user, name that user in epicor.user.",
	}},
	"invoice_date_missing": {steps: inConcur("Enter the date.")},
	"invoice_differs": {stands: takenBack, steps: []string{
		"The message says what Epicor saved and what was entered. Look for what changes invoices of this vendor: its tax region, its terms, a BPM.",
		"Mend it in Epicor. Nothing else is entered for the document before.",
	}},
	"invoice_number_taken": {stands: takenBack, steps: []string{
		"Open the invoice that Epicor has under the number, and compare it with the document.",
		"Where they are two invoices, correct the number in Concur. Where they are one, it was entered by hand: delete or cancel the one by hand, and replay; or leave this document as it is, and send it back in Concur, so that it is not approved any more.",
	}},
	"itemisation_doubled":  {steps: defect("Open the report in Concur and see whether the itemised expense and its parts add up. Where they do, it is a fault of the interface: report it to SAP Concur.")},
	"number_invalid":       {steps: inConcur("Correct the supplier's invoice number: type it anew, since what is wrong with it may not be seen.")},
	"number_missing":       {steps: inConcur("Enter the supplier's invoice number.")},
	"number_too_long":      {steps: inConcur("Shorten the number as the supplier would: it is never cut by the connector, since two numbers could become one.")},
	"payment_type_unknown": {steps: inRules("Add the payment type under counterparties: employee, or the vendor of the card.")},
	"period_closed": {steps: []string{
		"Open the fiscal period in Epicor for entry, and set epicor.first_open in the configuration where it is set; or set apply_date.closed_period: next_open in mapping.yaml, and documents of closed periods take effect on the first open day.",
		"At the month's end see [what is to be accrued](../guides/month-end.md#accrue-what-is-not-in-epicor).",
	}},
	"personal_unmapped": {steps: inRules("Give the card under counterparties personal: employee_owes, where the company pays the card in full and the employee owes his part; or personal: skip, where he settles it with the card's company himself.")},
	"phase_unknown":     {steps: defect("Update the connector.")},
	"posted_needs_cancellation": {
		stands: stays, on: different,
		other: "Cancel the invoice in Epicor and replay: the cancelled invoice and its cancellation are nothing together, and the document ends as recalled.",
		steps: []string{
			"The document was recalled in Concur after Epicor's ledger had it. See in Concur why.",
			"Cancel the AP invoice in Epicor (Actions, Cancel Invoice), into an open period.",
		},
	},
	"posting_mismatch": {
		stands: takenBack,
		steps:  defect("Report it with the mapping's version, which `ml-connector transfers show NUMBER` names. Nothing was posted."),
	},
	"purchase_order": {steps: []string{
		"Enter the invoice in Epicor against the order and its receipt, by hand.",
		"Where orders are not received in Epicor, set purchase_orders: expense in mapping.yaml: such lines are then booked like every other.",
	}},
	"refused": {stands: takenBack, steps: []string{"Mend what the message names in Epicor."}},
	"retries_exhausted": {
		stands: perhaps,
		steps: []string{
			"The message holds the last error. `ml-connector check -c config.yaml` says whether both systems can be reached and what is missing.",
			"Mend it. An outage of a whole system parks nothing: it stops the asking, and documents go on when it is over.",
		},
	},
	"reversal_refused": {
		stands: stays, on: different,
		other: "Take the invoices back in Epicor and replay: what is no longer there needs no taking back, and the document ends as recalled.",
		steps: []string{"See in the message why Epicor refuses. Delete the AP invoices, or cancel them where they are posted."},
	},
	"row_unreadable": {
		stands: perhaps, on: different,
		other:  "By itself, once the row is whole again. Before anything is sent, Epicor is asked whether it is there.",
		unseen: "`ml-connector transfers list --cause row_unreadable` names the document. Nothing more can be said about it: its row is damaged.",
		steps: []string{
			"Stop the connector and keep transfers.db as it is, for an inquiry: a damaged row means a damaged disk, or somebody's hand.",
			"Restore transfers.db from the newest backup in which the document can be shown, and start again. What was posted since then is found in Epicor by its keys and not posted twice.",
			"`ml-connector audit verify` says whether the audit trail is whole; it is a file of its own.",
		},
	},
	"second_revision": {
		stands: stays, on: different,
		other: "The posted invoices stay as they are, and this revision is never posted beside them. Where the document is approved once more with its old content, that revision changes nothing and the document is posted again, by itself. Else it stays open, and the tie-out names its difference until the invoices are corrected in Epicor.",
		steps: []string{
			"Compare both revisions: `ml-connector transfers show NUMBER` has what was posted, Concur what is approved now.",
			"Correct the posted AP invoices in Epicor by hand; or send the document back in Concur and have it approved as it was.",
		},
	},
	"segment_invalid":   {steps: inConcur("Correct the code: it holds a |, which separates the segments of an account.")},
	"table_row_missing": {steps: inRules("Add a row with the code that the message names: under rows of the table, or to its CSV file beside mapping.yaml, or, where the connector keeps the rows (store:), to your file of them and then `ml-connector mapping table put NAME FILE -c config.yaml`.")},
	"segment_missing":   {steps: inConcur("Fill the field that the message names; or change the account of the rule, where it should not need it.")},
	"source_refused":    {steps: []string{"Mend what the message names in Concur.", "`ml-connector check -c config.yaml` says whether the connector may read what it needs."}},
	"source_refused_signal": {
		stands: stays, on: different,
		other:  "A replay tells Concur again; what stands in Epicor is not touched.",
		unseen: "It comes only where Concur is told what became of a document, as with financial documents.",
		steps:  []string{"Mend what the message names in Concur."},
	},
	"supplier_code_missing": {steps: inConcur("Enter the vendor code at the supplier: suppliers are never matched by their names.")},
	"supplier_unlisted":     {steps: inRules("Add the supplier's code under suppliers.vendors, with its vendor in Epicor.")},
	"target_differs": {
		stands: perhaps, on: different,
		other: "A replay looks in Epicor again: where what stands there is this document's, it is posted; where nothing stands in the way any more, it is entered.",
		steps: []string{
			"See in the message what stands in Epicor under the document's key or number, and compare it with the document.",
			"Correct it in Epicor so that it is what was to be posted, or remove it there.",
		},
	},
	"terms_missing": {stands: takenBack, steps: inEpicor("Give the vendor payment terms in Epicor.")},
	"test_document": {steps: []string{
		"Withdraw the test in Concur.",
		"Where tests shall be posted to a test company, name it under company.test in mapping.yaml. A production company never belongs there.",
	}},
	"total_mismatch": {steps: inConcur("Compare the expenses, charges and taxes with the approved total, and correct what does not add up.")},
	"unknown": {
		unseen: "It cannot come from the parts of this connector. A mapper or an end of your own gave no reason.",
		steps:  defect("Mend the mapper or the end so that it says why."),
	},
	"value_too_long": {stands: takenBack, steps: []string{
		"See in the message which column it is.",
		"Shorten the text under descriptions in mapping.yaml (text, max), or widen the column in Epicor.",
	}},
	"vendor_ambiguous":  {steps: inRules("Leave one link to the employee in Epicor, or name the vendor under employees.vendors.")},
	"vendor_hold":       {on: appears, steps: inEpicor("Release the payment hold in Epicor; or set pay_hold: allow in mapping.yaml, and invoices are entered while payments are held.")},
	"vendor_inactive":   {on: appears, steps: inEpicor("Make the vendor active in Epicor; or name another one in the rules.")},
	"vendor_missing":    {on: appears, steps: inEpicor("Create the vendor in Epicor; or name the one that is meant in the rules (suppliers.vendors, employees.vendors). Vendors are never created by the connector.")},
	"vendor_unapproved": {on: appears, steps: inEpicor("Approve the vendor in Epicor; where your company does not use the approval, set epicor.ignore_approval: true.")},
}
