// Tracked queries: what northd and the controller are made of.
//
// A program is written as plain functions of its inputs, as if it computed everything afresh each time.  The
// engine notes what each call of a function read and, after a change, runs again only the calls whose inputs
// changed, stopping where a result came out equal.  There are five nouns, each with a header of its own:
//
//   Input<K, V>   rows from outside, by key                                  (input.h)
//   Query<K, V>   a function K -> V, remembered per key                      (query.h)
//   Rule<K>       a function run for every key of a collection, to emit      (rule.h)
//   Index<K, T>   what rules emitted, grouped by key, read by queries        (index.h)
//   Output<T>     what rules emitted, as a set whose changes go outside      (output.h)
//
//     Engine engine;
//     Input<Uuid, const Port*> ports{engine, "port"};
//     Query<Uuid, std::string> mac{engine, "mac", [&](const Uuid& id) { ... ports.find(id) ... }};
//     Output<Flow> flows{engine, "flow"};
//     Rule<Uuid> admit{engine, "admit", ports, [&](const Uuid& id) { flows.emit({10, mac(id)}); }};
//
//     ports.set(id, port);  ...  engine.update();  flows.take_changes([&](const Flow& flow, bool added) ...);
//
// How.  The order of declaration is the order of computation: a function may read only what was declared
// before it (an Index: only when all its writers were declared before the reader), so there are no cycles,
// and when a function runs, all that it can read is final.  Breaking the rule is a bug and asserted, with
// both names. update() goes through the declarations once and runs the calls that are due.  Reads are
// recorded as edges in both directions, so a change costs what its readers cost, whatever the size of the
// rest.  Results that nobody reads any more are forgotten at the end of update().
//
// Functions must be pure: all they use comes from their key and from tracked reads, and the only effect is
// emit().  Looking up what is not there is a read as well.  References that reads return are valid until the
// function returns; do not keep them in results.
//
// One thread.  Memory: about 80 bytes per remembered call plus its value, 16 bytes per read, 8 per emission.

#pragma once

#include <cstdint>
#include <vector>

#include "incremental/compact_vector.h"

namespace weft::incremental {

class Engine;
class Kind;

// The key of things of which there is only one.
struct Unit {
    auto operator<=>(const Unit&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, Unit) {
        return h;
    }
};

// One end of a recorded read: the other end's cell, and this edge's place in the other end's list.
struct Edge {
    uint32_t cell = 0;
    uint32_t position = 0;
};

// Something that can be read.
struct Cell {
    Kind* kind = nullptr;
    CompactVector<Edge> readers;
    uint32_t id = 0;
    uint32_t last_run = 0;  // the run that read it last: reading twice is recorded once
    bool maybe_dead = false;
    bool queued = false;  // of nodes: waits to be run
    bool stale = true;    // of nodes: never run, or its inputs changed
    bool wanted = false;  // of rules' nodes: the key exists
};

// What was emitted, as the emitting node remembers it; the sink owns it.
class Sink;
struct Entry {
    Sink* sink = nullptr;
    uint32_t count = 0;  // how often it is emitted now
};

// One call of a query or rule.
struct Node : Cell {
    CompactVector<Edge> reads;
    CompactVector<Entry*> emissions;
};

class Sink {
  public:
    virtual ~Sink() = default;

  protected:
    friend class Engine;
    virtual void release(Entry& entry) = 0;  // one emission less
};

// What is declared: an input, query, rule, index or output.
class Kind {
  public:
    Kind(Engine& engine, const char* name);
    virtual ~Kind();
    Kind(const Kind&) = delete;
    Kind& operator=(const Kind&) = delete;

    const char* name() const { return name_; }
    uint32_t rank() const { return rank_; }
    uint64_t runs() const { return runs_; }  // calls of the function, since the start or clear_runs()

  protected:
    friend class Engine;
    virtual void run(Node&) {}     // its time has come: it was queued
    virtual void forget(Cell&) {}  // nobody reads it any more; may delete it
    virtual bool is_function() const { return false; }

    Engine& engine_;
    const char* name_;
    uint32_t rank_;
    uint64_t runs_ = 0;
    bool emits_ = false;           // only rules do: their calls live as long as their keys
    std::vector<uint32_t> queue_;  // nodes waiting to be run
};

class Engine {
  public:
    Engine();
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Brings everything up to date.
    void update();

    struct Statistics {
        uint64_t runs = 0;     // calls of functions since the start
        uint64_t cutoffs = 0;  // of them, the ones whose result came out equal
        uint64_t cells = 0;    // things that can be read, now
        uint64_t edges = 0;    // recorded reads, now
    };
    const Statistics& statistics() const { return statistics_; }
    // Makes the next update() run every function again; for operators who doubt.
    void invalidate();
    // All declarations that have functions, in order.
    std::vector<const Kind*> functions() const;
    void clear_runs();

    // The rest is for the five nouns.
    void add_cell(Cell& cell, Kind& kind);
    void remove_cell(Cell& cell);
    void note_unread(Cell& cell);  // forget it at the end of update() if nobody reads it then
    void record_read(Cell& cell);
    void mark_readers(Cell& cell);  // the cell changed
    void enqueue(Node& node);
    void emitted(Entry& entry);  // by the running node
    bool computing() const { return frame_ != nullptr || updating_; }
    uint32_t reader_rank() const;  // the running function's, or the highest possible
    void drop_node(Node& node);    // withdraws what it emitted, and its reads

    // Runs `body` as `node`: reads and emissions are recorded as its own.
    template <typename Body>
    void run_as(Node& node, Body&& body) {
        Frame frame;
        begin(frame, node);
        body();
        end(frame);
    }
    void count_cutoff() { ++statistics_.cutoffs; }

  private:
    friend class Kind;
    struct Frame {
        Node* node = nullptr;
        Frame* outer = nullptr;
        uint32_t run = 0;
        uint32_t cursor = 0;        // reads so far
        size_t first_emission = 0;  // in scratch_
        size_t first_displaced = 0;
    };
    struct Mark {
        Cell* cell;
        uint32_t run;
    };

    void begin(Frame& frame, Node& node);
    void end(Frame& frame);
    void link(Node& node, Cell& cell);
    void unlink_from(Node& node, uint32_t first);
    void collect();

    std::vector<Kind*> kinds_;
    std::vector<Cell*> cells_;  // by id; null: free
    std::vector<uint32_t> free_ids_, maybe_dead_;
    std::vector<Entry*> scratch_;  // emissions of the functions that run now
    std::vector<Mark> displaced_;  // Cell::last_run of running callers, while a function that they call runs
    Frame* frame_ = nullptr;
    uint32_t last_run_ = 0, outermost_run_ = 0;
    uint32_t settling_ = 0;  // rank
    bool updating_ = false;
    Statistics statistics_;
};

}  // namespace weft::incremental
