// COLUMN[:KEY]=VALUE applied to a row: what `set`, `create` and commands that take settings share.

#pragma once

#include "cli/ctl/command.h"

namespace weft::cli {

// Checks the words and monitors the column.  An immutable column is refused if `of_existing_row`.
Result<void> need_assignment(CtlContext& context, const db::TableInfo& table, std::string_view text,
                             bool of_existing_row = false);
// Where the words with a "=" begin: the first of those from `from` on, or the end.
size_t first_setting(const CtlContext& context, size_t from);
Result<void> assign(CtlContext& context, const db::TableInfo& table, const Uuid& uuid, std::string_view text);

}  // namespace weft::cli
