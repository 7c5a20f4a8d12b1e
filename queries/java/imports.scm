; What names a file brings in and what package it belongs to. One capture a pattern: a part that is absent simply
; does not match, so no pattern depends on another.

(package_declaration [(identifier) (scoped_identifier)] @name)

(import_declaration "static" @static)
(import_declaration [(identifier) (scoped_identifier)] @name)
(import_declaration (asterisk) @wildcard)
