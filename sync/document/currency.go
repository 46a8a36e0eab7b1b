package document

import (
	"strings"

	"github.com/shopspring/decimal"
)

// The currencies of ISO 4217 by the digits of their minor unit. Codes that were
// withdrawn in the last years stay, because old documents bear them. Codes
// without a minor unit (metals, testing) are left out: nothing can be posted
// in them.
const (
	minor0 = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	minor2 = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD " +
		"CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS " +
		"GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL " +
		"MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP " +
		"PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT " +
		"TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL"
	minor3 = "BHD IQD JOD KWD LYD OMR TND"
	minor4 = "CLF UYW"
)

// MinorUnits returns how many decimals the minor unit of an ISO 4217 currency
// has: 2 for "EUR", 0 for "JPY", 3 for "KWD". It reports false for a code that
// is no currency, or none with a minor unit; codes are upper case.
func MinorUnits(currency string) (int, bool) {
	if len(currency) != 3 || strings.ContainsRune(currency, ' ') {
		return 0, false
	}
	for _, t := range []struct {
		codes  string
		digits int
	}{{minor2, 2}, {minor0, 0}, {minor3, 3}, {minor4, 4}} {
		// Every code is followed by a blank or the end, so three letters without
		// a blank can only match a code as a whole.
		if strings.Contains(t.codes, currency) {
			return t.digits, true
		}
	}
	return 0, false
}

// tooFine reports whether an amount has digits below the minor unit: 1.005 of a
// currency with two decimals. Zeros do not count: 1.00000 is not too fine.
func tooFine(amount decimal.Decimal, digits int) bool {
	return !amount.Equal(amount.Truncate(int32(digits)))
}
