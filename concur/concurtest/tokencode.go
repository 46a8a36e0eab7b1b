package concurtest

import (
	"fmt"
	"net/http"
)

// tokenCodes are the documented refusals of the token endpoint with the words
// that go with them. Follows the "Authentication" pages.
func tokenCodes() map[int][2]string {
	const grant, request, client = "invalid_grant", "invalid_request", "invalid_client"
	return map[int][2]string{
		5:   {grant, "Incorrect Credentials. Please Retry"},
		10:  {grant, "account disabled"},
		11:  {grant, "account disabled"},
		12:  {grant, "logon denied"},
		13:  {grant, "logon denied"},
		14:  {grant, "account locked"},
		16:  {request, "user lives elsewhere"},
		19:  {grant, "incorrect credentials"},
		20:  {grant, "logon denied"},
		21:  {request, "single sign-on is required"},
		51:  {request, "username was not supplied"},
		52:  {request, "password was not supplied"},
		53:  {client, "company is not enabled for this client"},
		54:  {"invalid_scope", "requested scope exceeds granted scope"},
		55:  {request, "email is unknown"},
		56:  {request, "otp was not supplied"},
		57:  {request, "channel_type was not supplied"},
		58:  {request, "channel_handle was not supplied"},
		59:  {"access_denied", "client is disabled"},
		60:  {grant, "grant type is not allowed for this client"},
		61:  {client, "client not found"},
		62:  {request, "client_id was not supplied"},
		63:  {request, "client_secret was not supplied"},
		64:  {client, "incorrect client credentials"},
		65:  {request, "grant_type was not supplied"},
		80:  {request, "channel type is invalid"},
		81:  {request, "channel handle is invalid"},
		82:  {request, "too many open otp requests"},
		83:  {request, "otp not found"},
		84:  {request, "fact verification failed"},
		85:  {request, "otp verification failed"},
		100: {request, "backend does not know this username"},
		101: {request, "code was not supplied"},
		102: {request, "redirect_uri was not supplied"},
		103: {request, "code is bad or has expired"},
		104: {grant, "redirect_uri does not match"},
		105: {grant, "grant was not issued to this client"},
		106: {request, "refresh_token was not supplied"},
		107: {request, "refresh is not allowed for this client"},
		108: {grant, "bad or expired refresh token"},
		109: {request, "loginid was not supplied"},
		115: {request, "unauthenticated client"},
		117: {request, "nonce is mandatory"},
		118: {request, "display is invalid"},
		119: {request, "consent is needed"},
		120: {request, "credtype is invalid"},
		121: {request, "login_type is invalid"},
		122: {request, "proxies is invalid"},
		123: {request, "principal is disabled"},
		124: {request, "product is invalid"},
		134: {request, "company is undergoing scheduled maintenance"},
		135: {request, "unsupported request format"},
		136: {request, "authtoken was not issued for you"},
		139: {request, "password must be changed"},
	}
}

// RefuseTokens lets the next n calls of the token endpoint be refused with a
// documented code, whatever they ask, such as 134 for a company under
// maintenance. It panics on a code that is not documented.
func (s *Server) RefuseTokens(n, code int) {
	if _, known := tokenCodes()[code]; !known {
		panic(fmt.Sprintf("concurtest: RefuseTokens: the token endpoint has no code %d", code))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens.refuse, s.tokens.refuseCode = n, code
}

// deny makes the error body of a documented code; most are answered with 400.
func deny(code int) *tokenError {
	words := tokenCodes()[code]
	return &tokenError{status: http.StatusBadRequest, Code: code, Error: words[0], Description: words[1]}
}
