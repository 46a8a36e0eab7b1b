package concur

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a TokenStore says.
var (
	// ErrNoToken says that nothing was stored: the company has to be connected.
	ErrNoToken = errors.New("concur: no token stored: connect the company first")
	// ErrTokenConflict says that somebody else saved a token meanwhile.
	ErrTokenConflict = errors.New("concur: token changed by somebody else")
)

// Token is everything that a connection to one company needs to live on. It
// prints without its secrets.
type Token struct {
	AccessToken Secret
	// Expiry is when AccessToken ends, an hour after it was issued.
	Expiry time.Time
	// Issued is when AccessToken was obtained, by this machine's clock; zero: not
	// known. A refusal right after it is no matter of the token's age.
	Issued time.Time
	// RefreshToken buys the next access token. It may change with each refresh.
	RefreshToken Secret
	// RefreshExpiry is when RefreshToken ends, about six months ahead; zero when
	// the vendor did not say. Each refresh extends it.
	RefreshExpiry time.Time
	// Geolocation is the base URL of every call: scheme and lower-case host. It
	// may change with each refresh.
	Geolocation string
	// Scopes were granted to the app.
	Scopes []string
	// Company is the company's UUID, when this token was obtained by Connect.
	Company string
	// Claimed is until when a process that is exchanging RefreshToken holds the
	// others off; zero: nobody is. A store keeps it like every other field. It is
	// compared with the clocks of all processes that share the store: they have to
	// agree to within ten seconds.
	Claimed time.Time
}

// String describes the token without its secrets.
func (t Token) String() string {
	return fmt.Sprintf("token of company %s at %s until %s", t.Company, t.Geolocation, t.Expiry.UTC().Format(time.RFC3339))
}

// HasScope reports whether a scope was granted.
func (t Token) HasScope(scope string) bool { return slices.Contains(t.Scopes, scope) }

// fresh reports whether the access token lives at least margin longer.
func (t Token) fresh(now time.Time, margin time.Duration) bool {
	return t.AccessToken != "" && t.Geolocation != "" && t.Expiry.Sub(now) > margin
}

type storedToken struct {
	Access        string    `json:"access_token"`
	Expiry        time.Time `json:"expiry"`
	Issued        time.Time `json:"issued,omitzero"`
	Refresh       string    `json:"refresh_token"`
	RefreshExpiry time.Time `json:"refresh_expiry"`
	Geolocation   string    `json:"geolocation"`
	Scopes        []string  `json:"scopes,omitempty"`
	Company       string    `json:"company,omitempty"`
	Claimed       time.Time `json:"claimed,omitzero"`
}

// MarshalBinary encodes the token with its secrets, for a TokenStore. Keep the
// result where only this program can read it, better encrypted.
func (t Token) MarshalBinary() ([]byte, error) {
	return json.Marshal(storedToken{
		Access: string(t.AccessToken), Expiry: t.Expiry.UTC(), Issued: t.Issued.UTC(),
		Refresh: string(t.RefreshToken), RefreshExpiry: t.RefreshExpiry.UTC(),
		Geolocation: t.Geolocation, Scopes: t.Scopes, Company: t.Company, Claimed: t.Claimed.UTC(),
	})
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (t *Token) UnmarshalBinary(b []byte) error {
	var s storedToken
	if err := json.Unmarshal(b, &s); err != nil {
		// The decoder's own text could quote what it read.
		return errors.New("concur: stored token is not readable")
	}
	*t = Token{
		AccessToken: Secret(s.Access), Expiry: s.Expiry, Issued: s.Issued,
		RefreshToken: Secret(s.Refresh), RefreshExpiry: s.RefreshExpiry,
		Geolocation: s.Geolocation, Scopes: s.Scopes, Company: s.Company, Claimed: s.Claimed,
	}
	return nil
}

// TokenStore keeps the token of one company. Implement it over whatever the
// program persists in: a row, a file, a secret manager.
//
// A refresh may hand out a new refresh token and end the old one, so a token
// is saved before it is used: a store whose Save returns nil must have it
// durable. Several processes may share a store: by compare-and-set one of them
// claims the refresh token before it exchanges it, so that no two spend the
// same, and none overwrites what another got. Both methods are called
// concurrently.
//
// A claim ends by the clock, so the machines that share a store have to agree on
// the time to within ten seconds: a token call ends that long before its claim.
type TokenStore interface {
	// Load returns the token and its revision, an opaque text that is not empty.
	// Nothing stored: ErrNoToken.
	Load(ctx context.Context) (t Token, rev string, err error)
	// Save replaces the token if rev is its current revision and returns the new
	// one; rev "" creates. ErrTokenConflict when rev is not current, or when it is
	// "" and a token exists. After any other error the token may or may not have
	// been saved.
	Save(ctx context.Context, t Token, rev string) (next string, err error)
}

// MemoryTokenStore keeps a token in memory only: for tests, and for programs
// that connect anew at each start. Create one with NewMemoryTokenStore.
type MemoryTokenStore struct {
	mu  sync.Mutex
	t   Token
	rev int
}

// NewMemoryTokenStore returns an empty store. It is safe for concurrent use.
func NewMemoryTokenStore() *MemoryTokenStore { return &MemoryTokenStore{} }

// Load implements TokenStore.
func (m *MemoryTokenStore) Load(context.Context) (t Token, rev string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rev == 0 {
		return Token{}, "", ErrNoToken
	}
	return m.t, strconv.Itoa(m.rev), nil
}

// Save implements TokenStore.
func (m *MemoryTokenStore) Save(_ context.Context, t Token, rev string) (next string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	current := ""
	if m.rev > 0 {
		current = strconv.Itoa(m.rev)
	}
	if rev != current {
		return "", ErrTokenConflict
	}
	m.rev++
	m.t = t
	return strconv.Itoa(m.rev), nil
}

// tokenAnswer is the answer of the token endpoint. Lifetimes come as numbers in
// one document and as texts in another.
type tokenAnswer struct {
	AccessToken      string `json:"access_token"`
	ExpiresIn        Text   `json:"expires_in"`
	RefreshToken     string `json:"refresh_token"`
	RefreshExpiresIn Text   `json:"refresh_expires_in"` // epoch seconds, not a duration
	Geolocation      string `json:"geolocation"`
	Scope            string `json:"scope"`
}

// defaultLife is how long an access token lives where the answer does not say.
const defaultLife = time.Hour

func (a tokenAnswer) token(asked time.Time) (Token, error) {
	if a.AccessToken == "" {
		return Token{}, errors.New("concur: the token endpoint answered without an access token")
	}
	life := defaultLife
	if a.ExpiresIn != "" {
		s, err := seconds(a.ExpiresIn)
		if err != nil || s <= 0 || s > int64(30*24*time.Hour/time.Second) {
			return Token{}, fmt.Errorf("concur: the token endpoint answered expires_in %.20q: want seconds", string(a.ExpiresIn))
		}
		life = time.Duration(s) * time.Second
	}
	t := Token{
		AccessToken: Secret(a.AccessToken), Expiry: asked.Add(life), Issued: asked,
		RefreshToken: Secret(a.RefreshToken),
		Geolocation:  a.Geolocation, Scopes: strings.Fields(a.Scope),
	}
	if s, err := seconds(a.RefreshExpiresIn); err == nil && s > 0 {
		t.RefreshExpiry = time.Unix(s, 0).UTC()
	}
	return t, nil
}

// seconds reads a whole number, also when it is written 3600.0.
func seconds(t Text) (int64, error) {
	d, err := ParseDecimal(string(t))
	if err != nil {
		return 0, err
	}
	return d.Value().IntPart(), nil
}
