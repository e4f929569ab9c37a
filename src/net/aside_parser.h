// Reads the JSON texts of a connection in the order in which they came, long ones in a thread beside the
// loop: a program that has something to compute goes on meanwhile.  What comes after a long text waits for
// it.
//
// A large update costs its receiver about as much to parse as all that follows from it.  A thread is started
// for each long text, which costs a hundredth of what it does, and there is one at a time.  Internal to net.

#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/result.h"
#include "json/value.h"
#include "net/loop.h"

namespace weft::net {

class AsideParser {
  public:
    // `on_value` gets what take() took, in the loop's thread; it may destroy the parser.
    AsideParser(Loop& loop, std::function<void(Result<json::Value>)> on_value);
    ~AsideParser();  // waits for its thread; what was not handed out is lost
    AsideParser(const AsideParser&) = delete;
    AsideParser& operator=(const AsideParser&) = delete;

    // True if the text was taken: it is long, or others wait.
    bool take(std::string& text);
    bool empty() const { return jobs_.empty(); }
    bool full() const { return bytes_ >= kEnough; }  // no more should be read for now

    static constexpr size_t kLong = 1 << 20, kEnough = 32 << 20;  // bytes

  private:
    struct Job {
        std::string text;
        size_t size;  // the text's; it goes before the job does
        Result<json::Value> value;
    };

    void start();
    void parsed();
    void hand_out(Result<json::Value> value);

    Loop& loop_;
    std::function<void(Result<json::Value>)> on_value_;
    std::deque<std::shared_ptr<Job>> jobs_;  // the first is the thread's, if there is one
    size_t bytes_ = 0;
    std::thread thread_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace weft::net
