; The parts of a type. One capture a pattern: a part that is absent simply does not match.

(class_declaration (modifiers) @modifiers)
(class_declaration name: (_) @name)
(class_declaration superclass: (_) @supers)
(class_declaration interfaces: (_) @supers)
(class_declaration body: (_) @body)

(record_declaration (modifiers) @modifiers)
(record_declaration name: (_) @name)
(record_declaration parameters: (_) @parameters)
(record_declaration interfaces: (_) @supers)
(record_declaration body: (_) @body)

(enum_declaration (modifiers) @modifiers)
(enum_declaration name: (_) @name)
(enum_declaration interfaces: (_) @supers)
(enum_declaration body: (_) @body)

(interface_declaration (modifiers) @modifiers)
(interface_declaration name: (_) @name)
(interface_declaration (extends_interfaces) @supers)
(interface_declaration body: (_) @body)

(annotation_type_declaration (modifiers) @modifiers)
(annotation_type_declaration name: (_) @name)
(annotation_type_declaration body: (_) @body)

(enum_constant (modifiers) @modifiers)
(enum_constant name: (_) @name)
(enum_constant arguments: (_) @arguments)
(enum_constant body: (_) @body)
