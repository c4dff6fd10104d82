package live

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
)

// sealer turns a place in a journal into a cursor and back. A cursor is one block of AES under a key that only this
// process has, so its reader can neither make one nor see how many changes lie between two of them. The key is the
// epoch: cursors of another process, or from before a reset, open as another selection, which no stream has.
type sealer struct{ block cipher.Block }

func newSealer() sealer {
	key := make([]byte, 16)
	rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has the right length
	}
	return sealer{block}
}

// seal returns the cursor of a place in the journal for a selection.
func (s sealer) seal(seq, selection uint64) string {
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:8], seq)
	binary.BigEndian.PutUint64(b[8:], selection)
	s.block.Encrypt(b[:], b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// open returns the place of a cursor. ok is false if it isn't a cursor of this epoch and selection.
func (s sealer) open(cursor string, selection uint64) (seq uint64, ok bool) {
	if len(cursor) != base64.RawURLEncoding.EncodedLen(aes.BlockSize) {
		return 0, false
	}
	var b [aes.BlockSize]byte
	if _, err := base64.RawURLEncoding.Strict().Decode(b[:], []byte(cursor)); err != nil {
		return 0, false
	}
	s.block.Decrypt(b[:], b[:])
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:]) == selection
}
