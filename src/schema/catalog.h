// All databases that Weft knows, by name.  The typed rows of each are in generated headers:
//
//     schema/vswitch.h  weft::schema::vswitch  Open_vSwitch
//     schema/nb.h       weft::schema::nb       OVN_Northbound
//     schema/sb.h       weft::schema::sb       OVN_Southbound
//     schema/icnb.h     weft::schema::icnb     OVN_IC_Northbound
//     schema/icsb.h     weft::schema::icsb     OVN_IC_Southbound
//     schema/vtep.h     weft::schema::vtep     hardware_vtep
//     schema/br.h       weft::schema::br       OVN_Bridge_Controller
//     schema/local_config.h                    Local_Config

#pragma once

#include <span>
#include <string_view>

#include "ovsdb/client/table_info.h"

namespace weft::schema {

struct CatalogEntry {
    const ovsdb::client::DatabaseInfo* database;
    // Under the share folder, as the programs install it: "openvswitch/vswitch.ovsschema".
    const char* share_path;
};

std::span<const CatalogEntry> catalog();

// By the name of the database ("OVN_Northbound"), or nullptr.
const CatalogEntry* find_database(std::string_view name);
// By the name of the schema file without folders ("ovn-nb.ovsschema"), or nullptr.
const CatalogEntry* find_schema_file(std::string_view name);

}  // namespace weft::schema
