// Rows that are the same in every network: DHCP options and what a controller's role may do.

#include "northd/sync/southbound.h"

namespace weft::northd {

using ovsdb::Set;

void Southbound::write_constants(Transaction& txn) {
    constants_checked_ = true;
    struct Option {
        const char* name;
        int64_t code;
        const char* type;
    };
    struct Permission {
        const char *table, *authorization;
        bool insert_delete;
        const char* columns;
    };
#define DHCP4(name, code, type)
#define DHCP6(name, code, type)
#define RBAC(table, authorization, insert_delete, columns)
#undef DHCP4
#define DHCP4(name, code, type) {name, code, type},
    static constexpr Option kDhcp4[] = {
#include "northd/sync/constants.def"
    };
#undef DHCP4
#define DHCP4(name, code, type)
#undef DHCP6
#define DHCP6(name, code, type) {name, code, type},
    static constexpr Option kDhcp6[] = {
#include "northd/sync/constants.def"
    };
#undef DHCP6
#define DHCP6(name, code, type)
#undef RBAC
#define RBAC(table, authorization, insert_delete, columns) {table, authorization, insert_delete, columns},
    static constexpr Permission kPermissions[] = {
#include "northd/sync/constants.def"
    };
#undef DHCP4
#undef DHCP6
#undef RBAC
    auto options = [&]<typename Row>(const Row*, const auto& wanted) {
        HashMap<std::string, const Option*> missing;
        for (const Option& option : wanted) missing[option.name] = &option;
        for (const auto& row : replica_.table<Row>()) {
            auto it = missing.find(row.name);
            if (it != missing.end() && it->second->code == row.code && it->second->type == row.type) {
                missing.erase(it);
            } else {
                txn.erase<Row>(row.uuid);
            }
        }
        for (const auto& [name, option] : missing) {
            Uuid uuid = txn.insert<Row>();
            txn.set(uuid, Row::kName, option->name);
            txn.set(uuid, Row::kCode, option->code);
            txn.set(uuid, Row::kType, option->type);
        }
    };
    options(static_cast<const sb::DHCPOptions*>(nullptr), kDhcp4);
    options(static_cast<const sb::DHCPv6Options*>(nullptr), kDhcp6);

    HashMap<std::string, Uuid> present;
    for (const auto& row : replica_.table<sb::RBACPermission>()) present[row.table] = row.uuid;
    ovsdb::Map<std::string, Uuid> permissions;
    for (const Permission& permission : kPermissions) {
        auto it = present.find(permission.table);
        Uuid uuid = it != present.end() ? it->second : txn.insert<sb::RBACPermission>();
        txn.set(uuid, sb::RBACPermission::kTable, permission.table);
        txn.set(uuid, sb::RBACPermission::kAuthorization, {permission.authorization});
        txn.set(uuid, sb::RBACPermission::kInsertDelete, permission.insert_delete);
        std::vector<std::string> columns;
        for (std::string_view word : split(permission.columns, " ")) columns.emplace_back(word);
        txn.set(uuid, sb::RBACPermission::kUpdate, Set<std::string>(std::move(columns)));
        permissions.set(permission.table, uuid);
    }
    Uuid role;
    for (const auto& row : replica_.table<sb::RBACRole>()) {
        if (row.name == "ovn-controller") role = row.uuid;
    }
    if (role.is_zero()) {
        role = txn.insert<sb::RBACRole>();
        txn.set(role, sb::RBACRole::kName, "ovn-controller");
    }
    txn.set(role, sb::RBACRole::kPermissions, permissions);
}

}  // namespace weft::northd
