package front

// maxDepth bounds nesting before anything is decoded; the deepest AWS input has about a dozen levels.
const maxDepth = 64

// jsonTooDeep scans brackets outside of strings. It does not check JSON otherwise; the decoder does.
func jsonTooDeep(b []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		c := b[i]
		if inString {
			switch c {
			case '\\':
				i++
			case '"':
				inString = false
			}
			continue
		}
		switch c {
		case '"':
			inString = true
		case '{', '[':
			depth++
			if depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}
