package concursync

import "github.com/ml-connector/ml-connector/concur"

// TakenByOthers lets a test ask how a refusal's sentence is read: the simulator
// does not say who acknowledged a document.
func TakenByOthers(s *FinancialSource, message string) bool {
	return s.others(&concur.FinancialError{Message: message})
}
