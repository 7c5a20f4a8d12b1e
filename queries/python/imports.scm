; Every form that brings a module or a name into a file. Run on one import statement at a time.
(import_statement name: (dotted_name) @module)
(import_statement name: (aliased_import name: (dotted_name) @module alias: (identifier) @alias))
(import_from_statement module_name: (_) @from name: (dotted_name) @name)
(import_from_statement module_name: (_) @from
  name: (aliased_import name: (dotted_name) @name alias: (identifier) @alias))
(import_from_statement module_name: (_) @from (wildcard_import) @wildcard)
(future_import_statement name: (dotted_name) @future)
