// Numbers of ACLs whose connections stay (ovn-nb(5), ACL:options:persist-established): a connection that such
// an ACL let in carries its number in the connection tracker, and passes for as long as there is the ACL,
// whatever the ACLs say of its packets by then.
//
// A number is kept in the southbound row ACL_ID that has the ACL's uuid.  Numbers are given out in turn, so
// that the connections of an ACL that is gone are not soon taken for those of another.

#pragma once

#include "base/hash_map.h"
#include "northd/inputs.h"
#include "ovsdb/client/replica.h"

namespace weft::northd {

// Whether the ACL has the option and may: it is of the kind that keeps connections.
bool persists_established(const nb::ACL& row);

class AclIds {
  public:
    explicit AclIds(Inputs& inputs) : inputs_(inputs) {}

    // Gives numbers to ACLs that want one and takes them from those that do not any more.
    void update(const ovsdb::client::Replica& northbound, const ovsdb::client::Replica& southbound);
    // Makes the rows right, if anything changed since the last time.
    void write(ovsdb::client::Transaction& txn, const ovsdb::client::Replica& southbound);
    void written(bool ok) { stale_ |= !ok; }
    // Another northd may have given other numbers meanwhile.
    void forget();

  private:
    void load(const ovsdb::client::Replica& southbound);
    int64_t next_free();  // 0: none
    void give(const Uuid& acl);
    void take_back(const Uuid& acl);

    Inputs& inputs_;
    HashMap<Uuid, int64_t> ids_, former_;  // former_: as the database has them, when it was loaded
    HashSet<int64_t> used_;
    int64_t last_ = 0;
    bool loaded_ = false, stale_ = true;
};

}  // namespace weft::northd
