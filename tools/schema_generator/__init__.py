"""What tools/schema-generator is made of: notation (reading), ovsschema and cpp (writing)."""
