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
#include <string_view>
#include <thread>

#include "base/result.h"
#include "json/view.h"
#include "net/loop.h"

namespace weft::net {

class AsideParser {
  public:
    // Gets what take() took, in the loop's thread: the message, or what is wrong with it and its text.  The
    // view is valid during the call, which may destroy the parser.
    using Taker = std::function<void(std::string_view text, const Result<json::View>& message)>;
    AsideParser(Loop& loop, Taker taker);
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
        std::string text;  // gone once it is read well
        size_t size = 0;   // the text's
        json::ViewReader reader;
        Result<json::View> message = json::View();

        void read();
    };

    void start();
    void parsed();
    void hand_out();

    Loop& loop_;
    Taker taker_;
    std::deque<std::shared_ptr<Job>> jobs_;  // the first is the thread's, if there is one
    size_t bytes_ = 0;
    std::thread thread_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace weft::net
