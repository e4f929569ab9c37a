#include "schema/catalog.h"

#include <array>

#include "schema/br.h"
#include "schema/icnb.h"
#include "schema/icsb.h"
#include "schema/local_config.h"
#include "schema/nb.h"
#include "schema/sb.h"
#include "schema/vswitch.h"
#include "schema/vtep.h"

namespace weft::schema {

std::span<const CatalogEntry> catalog() {
    static const std::array kCatalog = {
        CatalogEntry{&vswitch::database(), "openvswitch/vswitch.ovsschema"},
        CatalogEntry{&local_config::database(), "openvswitch/local-config.ovsschema"},
        CatalogEntry{&vtep::database(), "openvswitch/vtep.ovsschema"},
        CatalogEntry{&nb::database(), "ovn/ovn-nb.ovsschema"},
        CatalogEntry{&sb::database(), "ovn/ovn-sb.ovsschema"},
        CatalogEntry{&icnb::database(), "ovn/ovn-ic-nb.ovsschema"},
        CatalogEntry{&icsb::database(), "ovn/ovn-ic-sb.ovsschema"},
        CatalogEntry{&br::database(), "ovn/ovn-br.ovsschema"},
    };
    return kCatalog;
}

const CatalogEntry* find_database(std::string_view name) {
    for (const CatalogEntry& entry : catalog()) {
        if (name == entry.database->name) return &entry;
    }
    return nullptr;
}

const CatalogEntry* find_schema_file(std::string_view name) {
    for (const CatalogEntry& entry : catalog()) {
        std::string_view path = entry.share_path;
        if (path.substr(path.rfind('/') + 1) == name) return &entry;
    }
    return nullptr;
}

}  // namespace weft::schema
