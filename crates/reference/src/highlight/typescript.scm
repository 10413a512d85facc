; The tokens of the samples and the types. JavaScript's own query comes with a parser of JavaScript, which nothing else needs.
(property_identifier) @property
(call_expression function: (identifier) @function)
(call_expression function: (member_expression property: (property_identifier) @function))
((identifier) @type (#match? @type "^[A-Z]"))
(type_identifier) @type
(predefined_type) @type
[(true) (false) (null) (undefined)] @constant.builtin
(comment) @comment
[(string) (template_string)] @string
(number) @number
[
  "as" "async" "await" "catch" "const" "else" "export" "extends" "finally" "for" "from" "function" "if" "import" "in"
  "instanceof" "interface" "let" "new" "of" "return" "throw" "try" "type" "typeof" "while"
] @keyword
