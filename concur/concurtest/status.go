package concurtest

// Approval statuses of expense reports. Companies may have others besides.
const (
	NotSubmitted     = "A_NOTF"
	Submitted        = "A_FILE"
	PendingApproval  = "A_PEND"
	PendingCost      = "A_PECO" // cost object approval
	PendingBudget    = "A_PBDG"
	AccountingReview = "A_ACCO"
	ExternalCheck    = "A_EXTV" // external validation
	Approved         = "A_APPR"
	SentBack         = "A_RESU" // sent back or recalled
)

// Payment statuses of expense reports.
const (
	NotPaid           = "P_NOTP"
	OnHold            = "P_HOLD"
	ProcessingPayment = "P_PROC" // finally approved: ready for accounts payable
	PaymentConfirmed  = "P_PAYC"
	Paid              = "P_PAID"
)

func approvalName(code string) string {
	switch code {
	case NotSubmitted:
		return "Not Submitted"
	case Submitted:
		return "Submitted"
	case PendingApproval:
		return "Submitted & Pending Approval"
	case PendingCost:
		return "Pending Cost Object Approval"
	case PendingBudget:
		return "Pending Budget Approval"
	case AccountingReview:
		return "Approved & In Accounting Review"
	case ExternalCheck:
		return "Pending External Validation"
	case Approved:
		return "Approved"
	case SentBack:
		return "Sent Back to Employee"
	default:
		return code
	}
}

func paymentName(code string) string {
	switch code {
	case NotPaid:
		return "Not Paid"
	case OnHold:
		return "Payment On Hold"
	case ProcessingPayment:
		return "Processing Payment"
	case PaymentConfirmed:
		return "Payment Confirmed"
	case Paid:
		return "Sent for Payment"
	default:
		return code
	}
}
