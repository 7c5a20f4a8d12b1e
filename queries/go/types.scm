; Named types and the fields of structs: run on one such node alone.
(type_spec
  name: (type_identifier) @name
  type: (_) @type)

(type_alias
  name: (type_identifier) @name
  type: (_) @type)

; One match for each name; an embedded field has none.
(field_declaration
  name: (field_identifier) @name)

(field_declaration
  type: (_) @type)
