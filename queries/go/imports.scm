; One imported package: run on an `import_spec` alone.
(import_spec
  name: (_)? @alias
  path: (_) @path)
