package concur

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// TokenCode is the vendor's number for a refusal of the token endpoint. Follows
// the Authentication page ("Response Codes").
type TokenCode int

// TokenClass says who can do something about a refused token call.
type TokenClass string

// The classes of token errors.
const (
	// TokenReconnect: an administrator of the company has to create a new company
	// request token; see TokenSource.Connect.
	TokenReconnect TokenClass = "reconnect"
	// TokenApp: the app's registration is wrong: its id, secret, grants or scopes.
	TokenApp TokenClass = "app"
	// TokenAccount: the company or its principal is disabled, locked or restricted.
	TokenAccount TokenClass = "account"
	// TokenElsewhere: another data centre answers; the client follows by itself.
	TokenElsewhere TokenClass = "elsewhere"
	// TokenWait: try again later.
	TokenWait TokenClass = "wait"
	// TokenRequest: the call itself was malformed.
	TokenRequest TokenClass = "request"
)

type tokenFact struct {
	meaning string
	class   TokenClass
	remedy  string
}

const (
	newRequestToken = "an administrator creates a new company request token (Authentication Admin) and the company is connected again within 24 hours"
	checkAccount    = "ask the company's administrator or SAP Concur support to enable the company's access"
	checkApp        = "correct the app's registration with SAP Concur"
	checkCall       = "report this as a defect of the client"
	checkOTP        = "start the one-time password log-in again"
)

// fact returns what is known about a code. A switch keeps the table next to the
// vendor's own order and free of package state.
func (c TokenCode) fact() (tokenFact, bool) {
	switch c {
	case 5, 19:
		return tokenFact{"incorrect credentials", TokenReconnect, "check the app's secret and the request token; otherwise " + newRequestToken}, true
	case 10, 11:
		return tokenFact{"account disabled", TokenAccount, checkAccount}, true
	case 12, 13:
		return tokenFact{"log-on denied", TokenAccount, checkAccount}, true
	case 14:
		return tokenFact{"account locked", TokenAccount, checkAccount}, true
	case 16:
		return tokenFact{"company lives in another data centre", TokenElsewhere, "repeat the call at the geolocation of the answer"}, true
	case 20:
		return tokenFact{"log-on denied, typically by an IP restriction", TokenAccount, "allow this program's address in the company's IP restrictions"}, true
	case 21:
		return tokenFact{"log-on by single sign-on only", TokenAccount, "connect the company by a company request token, not by a password"}, true
	case 51:
		return tokenFact{"username not supplied", TokenRequest, checkCall}, true
	case 52:
		return tokenFact{"password not supplied", TokenRequest, checkCall}, true
	case 53:
		return tokenFact{"company is not enabled for this app", TokenReconnect, "connect the company to the app again: " + newRequestToken}, true
	case 54:
		return tokenFact{"requested scope exceeds the granted scope", TokenApp, "ask for fewer scopes or have them granted to the app"}, true
	case 55:
		return tokenFact{"unknown e-mail address", TokenRequest, checkOTP}, true
	case 56, 57, 58:
		return tokenFact{"one-time password, channel type or handle missing", TokenRequest, checkOTP}, true
	case 59:
		return tokenFact{"app disabled", TokenApp, checkApp}, true
	case 60:
		return tokenFact{"grant type not allowed for the app", TokenApp, checkApp}, true
	case 61:
		return tokenFact{"app not found", TokenApp, "check the client id, and that the app lives in the data centre called"}, true
	case 62:
		return tokenFact{"client_id not supplied", TokenRequest, checkCall}, true
	case 63:
		return tokenFact{"client_secret not supplied", TokenRequest, checkCall}, true
	case 64:
		return tokenFact{"incorrect client credentials", TokenApp, "put the app's current client secret into the configuration"}, true
	case 65:
		return tokenFact{"grant_type not supplied", TokenRequest, checkCall}, true
	case 80, 81, 83, 84, 85:
		return tokenFact{"one-time password refused", TokenRequest, checkOTP}, true
	case 82:
		return tokenFact{"too many open one-time passwords", TokenWait, "wait until older requests have ended"}, true
	case 100:
		return tokenFact{"unknown username", TokenReconnect, "check the company's UUID; otherwise " + newRequestToken}, true
	case 101, 102, 103:
		return tokenFact{"authorization code or redirect URI missing, wrong or expired", TokenReconnect, "start the authorization again"}, true
	case 104:
		return tokenFact{"redirect URI does not match", TokenApp, checkApp}, true
	case 105:
		return tokenFact{"grant was not issued to this app", TokenReconnect, newRequestToken}, true
	case 106:
		return tokenFact{"refresh_token missing", TokenRequest, checkCall}, true
	case 107:
		return tokenFact{"refresh not allowed for the app", TokenApp, checkApp}, true
	case 108:
		return tokenFact{"refresh token wrong or expired", TokenReconnect, newRequestToken}, true
	case 109:
		return tokenFact{"loginid missing", TokenRequest, checkCall}, true
	case 115:
		return tokenFact{"app not authenticated", TokenApp, "put the app's current client id and secret into the configuration"}, true
	case 117, 118, 119:
		return tokenFact{"nonce, display or prompt wrong", TokenRequest, checkCall}, true
	case 120, 121, 122:
		return tokenFact{"credtype, login_type or proxies wrong", TokenRequest, checkCall}, true
	case 123:
		return tokenFact{"company or user is disabled", TokenAccount, checkAccount}, true
	case 124:
		return tokenFact{"product wrong", TokenRequest, checkCall}, true
	case 134:
		return tokenFact{"company is under scheduled maintenance", TokenWait, "wait until the maintenance has ended"}, true
	case 135:
		return tokenFact{"request format not supported", TokenRequest, checkCall}, true
	case 136:
		return tokenFact{"request token was issued for another app", TokenReconnect, "create the company request token with this app's id"}, true
	case 139:
		return tokenFact{"password must be changed", TokenAccount, "change the password, or connect the company by a company request token"}, true
	default:
		return tokenFact{}, false
	}
}

// TokenError is a refusal of the token endpoint. Reach it with errors.As. It
// also is, by errors.Is: ErrUnauthorized when the class is TokenReconnect,
// TokenApp or TokenAccount; ErrInvalid for TokenRequest; ErrRateLimited for
// status 429.
type TokenError struct {
	Status      int       // HTTP status
	Code        TokenCode // 0 when the answer had none
	OAuth       string    // OAuth2's own word: "invalid_grant"
	Description string    // the vendor's text; may hold a user's name, so Error leaves it out
	Correlation string    // concur-correlationid, for the vendor's support

	geolocation string
	wait        time.Duration
}

// Class says who can do something about it.
func (e *TokenError) Class() TokenClass {
	if f, ok := e.Code.fact(); ok {
		return f.class
	}
	switch {
	case e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooEarly || e.Status >= 500:
		return TokenWait
	case !e.said() && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden):
		// Something in between answered, such as a gateway with a page of its own: that
		// says nothing about the company's connection.
		return TokenWait
	case e.OAuth == "invalid_client" || e.OAuth == "unauthorized_client" || e.OAuth == "invalid_scope":
		return TokenApp
	case e.OAuth == "invalid_grant" || e.Status == http.StatusUnauthorized:
		return TokenReconnect
	case e.OAuth == "access_denied" || e.Status == http.StatusForbidden:
		return TokenAccount
	default:
		return TokenRequest
	}
}

// said reports whether the token endpoint itself answered.
func (e *TokenError) said() bool { return e.Code != 0 || e.OAuth != "" }

// certain reports whether the refusal says that nothing was exchanged. What a
// gateway or a failing server answers leaves that open.
func (e *TokenError) certain() bool {
	return e.Status == http.StatusTooManyRequests || e.said() && e.Status >= 400 && e.Status < 500
}

// Remedy says what to do, in a sentence.
func (e *TokenError) Remedy() string {
	if f, ok := e.Code.fact(); ok {
		return f.remedy
	}
	switch e.Class() {
	case TokenReconnect:
		return newRequestToken
	case TokenApp:
		return checkApp
	case TokenAccount:
		return checkAccount
	case TokenWait:
		return "try again later"
	default:
		return checkCall
	}
}

// Error returns the refusal and its remedy on one line.
func (e *TokenError) Error() string {
	var b strings.Builder
	b.WriteString("concur: token refused")
	if e.Code != 0 {
		fmt.Fprintf(&b, " (code %d)", int(e.Code))
	} else {
		fmt.Fprintf(&b, " (status %d)", e.Status)
	}
	if f, ok := e.Code.fact(); ok {
		b.WriteString(": " + f.meaning)
	} else if e.OAuth != "" {
		fmt.Fprintf(&b, ": %.40s", oneLine(e.OAuth))
	}
	b.WriteString("; " + e.Remedy())
	if e.Correlation != "" {
		b.WriteString(" [" + e.Correlation + "]")
	}
	return b.String()
}

// Retryable reports whether the same call may succeed later.
func (e *TokenError) Retryable() bool { return e.Class() == TokenWait }

// RetryAfter returns how long to wait; 0 when the vendor did not say.
func (e *TokenError) RetryAfter() time.Duration { return e.wait }

// Is makes the error one of the package's sentinels.
func (e *TokenError) Is(target error) bool {
	switch e.Class() {
	case TokenReconnect, TokenApp, TokenAccount:
		return target == ErrUnauthorized
	case TokenRequest:
		return target == ErrInvalid
	case TokenWait:
		return target == ErrRateLimited && e.Status == http.StatusTooManyRequests
	case TokenElsewhere:
		return false
	default:
		return false
	}
}

// tokenErrorFrom reads a refusal in whatever shape it comes.
func tokenErrorFrom(status int, header http.Header, body []byte, wait time.Duration) *TokenError {
	e := &TokenError{Status: status, Correlation: correlationOf(header), wait: wait}
	var a struct {
		Code        Text `json:"code"`
		Error       Text `json:"error"`
		Description Text `json:"error_description"`
		Geolocation Text `json:"geolocation"`
		Correlation Text `json:"concur-correlationid"`
	}
	if json.Unmarshal(body, &a) == nil {
		if n, err := seconds(a.Code); err == nil && n > 0 && n < 1_000_000 {
			e.Code = TokenCode(n)
		}
		e.OAuth, e.Description, e.geolocation = string(a.Error), string(a.Description), string(a.Geolocation)
		if e.Correlation == "" {
			e.Correlation = cleanCorrelation(string(a.Correlation))
		}
	}
	if e.wait == 0 && e.Code == 134 {
		// Maintenance takes longer than a back-off that begins at a second.
		e.wait = time.Minute
	}
	return e
}

// deadRefresh reports whether err says that the refresh token spent is no good.
func deadRefresh(err error) bool {
	var e *TokenError
	return errors.As(err, &e) && e.Class() == TokenReconnect
}
