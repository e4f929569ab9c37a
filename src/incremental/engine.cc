#include "incremental/engine.h"

#include <cassert>
#include <cstdio>
#include <cstdlib>

namespace weft::incremental {

namespace {

[[noreturn]] void declared_too_late(const Kind& reader, const Kind& read) {
    std::fprintf(stderr, "incremental: \"%s\" reads \"%s\", which is declared after it\n", reader.name(),
                 read.name());
    std::abort();
}

}  // namespace

Kind::Kind(Engine& engine, const char* name) : engine_(engine), name_(name) {
    rank_ = static_cast<uint32_t>(engine.kinds_.size());
    engine.kinds_.push_back(this);
}

Kind::~Kind() {
    engine_.kinds_[rank_] = nullptr;
}

Engine::Engine() = default;

Engine::~Engine() {
    assert(!frame_);
}

void Engine::add_cell(Cell& cell, Kind& kind) {
    cell.kind = &kind;
    if (free_ids_.empty()) {
        cell.id = static_cast<uint32_t>(cells_.size());
        cells_.push_back(&cell);
    } else {
        cell.id = free_ids_.back();
        free_ids_.pop_back();
        cells_[cell.id] = &cell;
    }
    ++statistics_.cells;
}

void Engine::remove_cell(Cell& cell) {
    cells_[cell.id] = nullptr;
    free_ids_.push_back(cell.id);
    --statistics_.cells;
}

void Engine::note_unread(Cell& cell) {
    if (cell.maybe_dead) return;
    cell.maybe_dead = true;
    maybe_dead_.push_back(cell.id);
}

uint32_t Engine::reader_rank() const {
    return frame_ ? frame_->node->kind->rank() : UINT32_MAX;
}

void Engine::record_read(Cell& cell) {
    Frame* frame = frame_;
    if (!frame) return;
    Node& node = *frame->node;
    if (cell.kind->rank() >= node.kind->rank()) declared_too_late(*node.kind, *cell.kind);
    if (cell.last_run == frame->run) return;
    // A caller's mark comes back when this run ends, or the caller would record its next read of it again.
    if (frame->outer && cell.last_run >= outermost_run_) displaced_.push_back({&cell, cell.last_run});
    cell.last_run = frame->run;
    // Most runs read the same as the run before: then no edge moves.
    if (frame->cursor < node.reads.size()) {
        if (node.reads[frame->cursor].cell == cell.id) {
            ++frame->cursor;
            return;
        }
        unlink_from(node, frame->cursor);
    }
    link(node, cell);
    ++frame->cursor;
}

void Engine::link(Node& node, Cell& cell) {
    uint32_t read = node.reads.size(), reader = cell.readers.size();
    node.reads.push_back({cell.id, reader});
    cell.readers.push_back({node.id, read});
    ++statistics_.edges;
}

void Engine::unlink_from(Node& node, uint32_t first) {
    while (node.reads.size() > first) {
        Edge edge = node.reads.back();
        node.reads.pop_back();
        Cell& cell = *cells_[edge.cell];
        Edge moved = cell.readers.back();
        cell.readers.pop_back();
        if (edge.position < cell.readers.size()) {
            cell.readers[edge.position] = moved;
            static_cast<Node&>(*cells_[moved.cell]).reads[moved.position].position = edge.position;
        }
        if (cell.readers.empty()) note_unread(cell);
        --statistics_.edges;
    }
}

void Engine::mark_readers(Cell& cell) {
    for (const Edge& edge : cell.readers) enqueue(static_cast<Node&>(*cells_[edge.cell]));
}

void Engine::enqueue(Node& node) {
    node.stale = true;
    if (node.queued) return;
    node.queued = true;
    node.kind->queue_.push_back(node.id);
}

void Engine::emitted(Entry& entry) {
    assert(frame_ && frame_->node->kind->emits_ && "only rules emit");
    scratch_.push_back(&entry);
}

void Engine::begin(Frame& frame, Node& node) {
    if (++last_run_ == 0) {  // wrapped: no old mark may look new
        for (Cell* cell : cells_) {
            if (cell) cell->last_run = 0;
        }
        for (Mark& mark : displaced_) mark.run = 0;
        last_run_ = 1;
    }
    frame.node = &node;
    frame.outer = frame_;
    frame.run = last_run_;
    frame.first_displaced = displaced_.size();
    if (!frame_) outermost_run_ = last_run_;
    frame.first_emission = scratch_.size();
    frame_ = &frame;
    ++statistics_.runs;
    ++node.kind->runs_;
}

void Engine::end(Frame& frame) {
    frame_ = frame.outer;
    Node& node = *frame.node;
    for (; displaced_.size() > frame.first_displaced; displaced_.pop_back())
        displaced_.back().cell->last_run = displaced_.back().run;
    unlink_from(node, frame.cursor);
    // The new emissions are counted already: what was emitted before and is emitted again never goes.
    size_t count = scratch_.size() - frame.first_emission;
    for (Entry* entry : node.emissions) entry->sink->release(*entry);
    node.emissions.assign(scratch_.data() + frame.first_emission, static_cast<uint32_t>(count));
    scratch_.resize(frame.first_emission);
}

void Engine::drop_node(Node& node) {
    for (Entry* entry : node.emissions) entry->sink->release(*entry);
    node.emissions.clear();
    unlink_from(node, 0);
}

void Engine::update() {
    assert(!updating_ && !frame_);
    updating_ = true;
    for (settling_ = 0; settling_ < kinds_.size(); ++settling_) {
        Kind* kind = kinds_[settling_];
        if (!kind) continue;
        for (size_t i = 0; i < kind->queue_.size(); ++i) {
            Cell* cell = cells_[kind->queue_[i]];
            cell->queued = false;
            kind->run(static_cast<Node&>(*cell));
        }
        kind->queue_.clear();
    }
    collect();
    updating_ = false;
}

void Engine::invalidate() {
    assert(!computing());
    for (Cell* cell : cells_) {
        if (cell && cell->kind->is_function()) enqueue(static_cast<Node&>(*cell));
    }
}

std::vector<const Kind*> Engine::functions() const {
    std::vector<const Kind*> out;
    for (const Kind* kind : kinds_) {
        if (kind && kind->is_function()) out.push_back(kind);
    }
    return out;
}

void Engine::clear_runs() {
    for (Kind* kind : kinds_) {
        if (kind) kind->runs_ = 0;
    }
}

void Engine::collect() {
    for (size_t i = 0; i < maybe_dead_.size(); ++i) {
        Cell* cell = cells_[maybe_dead_[i]];
        cell->maybe_dead = false;
        if (cell->readers.empty()) cell->kind->forget(*cell);
    }
    maybe_dead_.clear();
}

}  // namespace weft::incremental
