// Package vault keeps credentials, tokens and documents sealed at rest: who
// copies the database, its write-ahead log or a backup reads nothing in it.
//
// The smallest complete program makes a key once, stores a credential and
// opens it again where a call is made:
//
//	key, err := vault.NewKey()
//	err = vault.WriteKeyFile("vault.key", key)      // once; mode 0600, never over an existing file
//	key, err = vault.ReadKeyFile("vault.key")       // at each start
//	v, err := vault.New(store, key, nil)
//	err = v.Put(ctx, "acme", "concur", vault.Credential{
//		"client_id": vault.NewSecret(id), "client_secret": vault.NewSecret(secret),
//	})
//	open := v.Credential("acme", "concur", "client_id", "client_secret")
//	c, err := open(ctx)                             // at the call, and not before
//
// # The key
//
// A [Key] comes from a file that only its owner may read ([ReadKeyFile]), from
// an environment variable ([KeyFromEnv]), or from bytes that a program got
// elsewhere ([ParseKey]). All three hold the same text. A value on a command
// line is seen by every user of the machine, so there is no way to give one.
// Without the key nothing can be opened again: keep a copy of it apart from
// the backups of the store.
//
// # What is sealed, and how
//
// Everything is sealed by AES-256-GCM of the Tink library. Bound to each
// ciphertext is where it belongs, written so that no two places give the same
// bytes: tenant and name for a value, tenant and person for a content. A value
// that was moved elsewhere does not open.
//
//   - Credentials are values "credential/<name>" of their tenant. [Vault.List]
//     tells names and fingerprints, never what is in them.
//   - [ValueSealer] seals what others keep among the values under a name of
//     their own: the token store of a client is one.
//   - [ContentSealer] seals documents, each under the data key of its person.
//     The data keys are values themselves, "person/<keyed hash>", and sealed by
//     the Key. [Vault.Forget] destroys a person's data key: copies of that
//     person's documents, wherever they are, are noise from then on.
//
// # Another key
//
// A Key may hold several keys: the newest seals, all of them open. To change
// it, for good order or because it leaked:
//
//  1. [Key.WithNew], [ReplaceKeyFile], restart every process: what is written
//     from now on is under the new key, everything still opens.
//  2. [Vault.Rotate] for each tenant, until it answers 0.
//  3. [Key.WithoutOld], [ReplaceKeyFile], restart: the old key opens nothing.
//
// Contents are never written twice, and need not be: the data keys are sealed
// again, so the contents follow. A key that leaked together with a copy of the
// store has opened that copy; change the credentials themselves, too.
//
// # How it fails
//
// By [ErrUnknownKey], [ErrAltered], [ErrNotSealed] and [ErrForgotten], by
// storage.ErrNotFound where there is no such credential, and by whatever the
// store says. No error holds a secret, a part of one, or the name of a person.
//
// # What it cannot do
//
// Somebody who may write to the store can put an older value back in the same
// place, or delete one; a restored backup brings forgotten persons' keys back,
// so forget them again after a restore. While a program runs, what it opened
// is in its memory: plain buffers of this package are overwritten after use,
// the strings that clients need are not.
//
// Everything is safe for concurrent use, by many processes on one store too.
package vault
