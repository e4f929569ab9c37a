#include "base/shared_text.h"

#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace weft {

// The texts that there are.
struct SharedTextTable {
    using Piece = SharedText::Piece;
    struct Wanted {
        std::string_view text;
        uint32_t hash;
    };
    struct Hash {
        using is_transparent = void;
        // The table wants all 64 bits to be random.
        static size_t spread(uint32_t hash) { return hash * 0x9e3779b97f4a7c15u; }
        size_t operator()(const Piece* piece) const { return spread(piece->hash); }
        size_t operator()(const Wanted& wanted) const { return spread(wanted.hash); }
    };
    struct Equal {
        using is_transparent = void;
        bool operator()(const Piece* a, const Piece* b) const { return a == b; }
        bool operator()(const Piece* a, const Wanted& b) const {
            return a->hash == b.hash && std::string_view(a->text(), a->length) == b.text;
        }
    };

    absl::flat_hash_set<Piece*, Hash, Equal> pieces;

    // Never destroyed: texts may live until the very end of the process.
    static SharedTextTable& get() {
        static SharedTextTable& table = *new SharedTextTable;
        return table;
    }
};

SharedText::SharedText(std::string_view text) {
    if (text.empty()) return;
    SharedTextTable& table = SharedTextTable::get();
    SharedTextTable::Wanted wanted{text, static_cast<uint32_t>(absl::HashOf(text))};
    auto at = table.pieces.find(wanted);
    if (at != table.pieces.end()) {
        piece_ = *at;
        ++piece_->users;
        return;
    }
    void* memory = std::malloc(sizeof(Piece) + text.size());
    if (!memory) std::abort();
    piece_ = new (memory) Piece{1, static_cast<uint32_t>(text.size()), wanted.hash};
    std::memcpy(piece_ + 1, text.data(), text.size());
    table.pieces.insert(piece_);
}

void SharedText::free_piece(Piece* piece) {
    SharedTextTable::get().pieces.erase(piece);
    std::free(piece);
}

size_t SharedText::count() {
    return SharedTextTable::get().pieces.size();
}

}  // namespace weft
