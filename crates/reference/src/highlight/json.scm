; The query of tree-sitter-json gives keys the class of strings.
(string) @string
(pair key: (string) @property)
(number) @number
[(true) (false) (null)] @constant.builtin
