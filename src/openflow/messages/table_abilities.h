// What tables can do, as OpenFlow 1.0 to 1.2 tell it with their statistics: bitmaps whose bits are each
// version's numbers of fields, actions and instructions.  From 1.3 on there are table features in their
// place.
//
// Fields and actions that a version has no bit for are left out, and are none when they are read back.
// Internal to openflow/messages.

#pragma once

#include "base/bytes.h"
#include "openflow/messages/switch.h"

namespace weft::openflow::messages {

void put_table_abilities(const TableFeatures& features, Version version, ByteWriter& out);
void take_table_abilities(ByteReader& in, Version version, TableFeatures& features);

}  // namespace weft::openflow::messages
