; The parts of what can be called. One capture a pattern: a part that is absent simply does not match.

(method_declaration (modifiers) @modifiers)
(method_declaration type: (_) @type)
(method_declaration name: (_) @name)
(method_declaration parameters: (_) @parameters)
(method_declaration body: (_) @body)

(constructor_declaration (modifiers) @modifiers)
(constructor_declaration name: (_) @name)
(constructor_declaration parameters: (_) @parameters)
(constructor_declaration body: (_) @body)

(compact_constructor_declaration (modifiers) @modifiers)
(compact_constructor_declaration name: (_) @name)
(compact_constructor_declaration body: (_) @body)

(annotation_type_element_declaration (modifiers) @modifiers)
(annotation_type_element_declaration type: (_) @type)
(annotation_type_element_declaration name: (_) @name)
