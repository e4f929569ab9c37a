#include "net/stream.h"

namespace weft::net {

namespace {

// Bytes on their way to one end.
struct Direction {
    std::string bytes;
    bool closed = false;  // the writing end is gone
    Loop::Callback on_ready;
    bool notified = false;  // a call of on_ready is on its way
};

class PairEnd : public Stream {
  public:
    PairEnd(Loop& loop, std::string name, std::shared_ptr<Direction> in, std::shared_ptr<Direction> out)
        : loop_(loop), name_(std::move(name)), in_(std::move(in)), out_(std::move(out)) {}
    ~PairEnd() override {
        in_->on_ready = nullptr;
        out_->closed = true;
        notify(out_);
    }
    void set_on_ready(Loop::Callback on_ready) override {
        in_->on_ready = std::move(on_ready);
        notify(in_);
    }
    bool connected() const override { return !in_->closed; }
    bool read(std::string& out) override {
        bool more = !in_->bytes.empty() || !in_->closed;
        if (!in_->bytes.empty()) notify(out_);  // the other end has room again
        out += in_->bytes;
        in_->bytes.clear();
        if (more && in_->closed) notify(in_);
        return more;
    }
    void write(std::string_view bytes) override {
        if (in_->closed) return;
        out_->bytes += bytes;
        notify(out_);
    }
    size_t backlog() const override { return out_->bytes.size(); }
    std::string error() const override { return ""; }
    const std::string& name() const override { return name_; }

  private:
    void notify(const std::shared_ptr<Direction>& direction) {
        if (std::exchange(direction->notified, true)) return;
        loop_.defer([direction] {
            direction->notified = false;
            Loop::Callback on_ready = direction->on_ready;
            if (on_ready) on_ready();
        });
    }

    Loop& loop_;
    std::string name_;
    std::shared_ptr<Direction> in_, out_;
};

}  // namespace

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> stream_pair(Loop& loop) {
    auto there = std::make_shared<Direction>(), back = std::make_shared<Direction>();
    return {std::make_unique<PairEnd>(loop, "pair#0", back, there),
            std::make_unique<PairEnd>(loop, "pair#1", there, back)};
}

}  // namespace weft::net
