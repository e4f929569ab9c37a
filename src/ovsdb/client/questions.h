// What a reader asked of a replica that fetches only the rows that are asked for.
//
// A tool cannot say beforehand which rows it will need: a switch by its name, then what its columns refer to.
// So it reads through a Transaction as if everything were here.  What may be missing is noted as a question;
// fetch() widens the conditions of the replica by all of them, and once answered() the tool reads again. What
// it read while there were new questions, and whatever it concluded, must be thrown away.
//
//     Questions questions(replica);             // after the tables were chosen, before start()
//     questions.begin();
//     do {
//         Transaction txn(replica.store(), &questions);
//         … row(), for_each(), for_each_equal() …
//         if (!questions.any()) break;          // the transaction is true
//         questions.fetch();                    // and wait until answered()
//     } while (true);
//
// A server without conditional monitoring sends everything; then all questions are answered at once.

#pragma once

#include <vector>

#include "base/hash_map.h"
#include "ovsdb/client/condition.h"

namespace weft::ovsdb::client {

class Replica;

class Questions {
  public:
    explicit Questions(Replica& replica);

    // Tables that are fetched whole from the beginning, whatever is asked.
    void whole(const TableInfo& table);
    // Nothing of any other table is fetched unless asked for.
    void begin();

    // Called by Transaction.  Who asks for very many rows by their uuids gets the whole table.
    void ask_row(const TableInfo& table, const Uuid& uuid);
    void ask_all(const TableInfo& table);
    void ask_equal(const TableInfo& table, size_t column, const void* value);
    void ask_includes(const TableInfo& table, size_t column, const void* value);

    bool any() const { return any_; }
    void fetch();
    bool answered() const;

  private:
    struct Table {
        Condition asked;
        size_t rows = 0;  // asked for by uuid
        bool changed = false;
    };
    void ask(const TableInfo& table, const char* column, const char* function, const Codec& codec,
             const void* value);

    Replica& replica_;
    std::vector<Table> tables_;  // by TableInfo::index
    bool any_ = false;
    uint64_t sequence_ = 0;  // of the conditions
};

}  // namespace weft::ovsdb::client
