package config

// Nearest returns the one of the words that somebody may have meant who wrote
// another; "": none is near.
func Nearest(word string, words []string) string { return nearest(word, words) }
