#include <gtest/gtest.h>

#include <random>

#include "json/text.h"

namespace weft::json {
namespace {

class RandomJson {
  public:
    explicit RandomJson(uint64_t seed) : random_(seed) {}

    Value value(int depth) {
        switch (pick(depth > 0 ? 8 : 6)) {
            case 0:
                return Value();
            case 1:
                return Value(pick(2) == 0);
            case 2:
                return Value(static_cast<int64_t>(random_()));
            case 3:
                return Value(static_cast<double>(pick(1000)) + 0.5);
            case 4:
            case 5:
                return Value(string());
            case 6: {
                Array array;
                for (size_t i = pick(5); i > 0; --i) array.push_back(value(depth - 1));
                return Value(std::move(array));
            }
            default: {
                Object object;
                for (size_t i = pick(5); i > 0; --i) object.set(string(), value(depth - 1));
                return Value(std::move(object));
            }
        }
    }

    std::string string() {
        static constexpr std::string_view kPieces[] = {"a",        "\"", "\\", "]", "}", "[",    "{",  "\n",
                                                       "\xc3\xa4", " ",  ",",  ":", "0", "\\\"", "xyz"};
        std::string out;
        for (size_t i = pick(6); i > 0; --i) out += kPieces[pick(std::size(kPieces))];
        return out;
    }

    std::string space() {
        std::string out;
        for (size_t i = pick(3); i > 0; --i) out += " \n\t\r"[pick(4)];
        return out;
    }

    size_t pick(size_t bound) { return random_() % bound; }

  private:
    std::mt19937_64 random_;
};

// A stream of random values in random pieces comes out as the same values.
TEST(Framer, PiecesOfAnySizeGiveTheSameValues) {
    uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    RandomJson random(seed);
    for (int round = 0; round < 300; ++round) {
        std::vector<Value> sent;
        std::string stream;
        for (int i = 0; i < 10; ++i) {
            sent.push_back(random.value(4));
            // A number or keyword needs white space to end it.
            stream += random.space() + to_text(sent.back()) + "\n" + random.space();
        }
        Framer framer;
        std::vector<Value> received;
        std::string text;
        for (size_t at = 0; at < stream.size();) {
            size_t size = std::min(stream.size() - at, 1 + random.pick(random.pick(2) ? 3 : 200));
            framer.feed(std::string_view(stream).substr(at, size));
            at += size;
            while (true) {
                Result<bool> more = framer.next(text);
                ASSERT_TRUE(more) << more.message() << "\n" << stream;
                if (!*more) break;
                Result<Value> value = parse(text);
                ASSERT_TRUE(value) << value.message() << "\n" << text;
                received.push_back(*value);
            }
        }
        ASSERT_EQ(received, sent) << stream;
        EXPECT_TRUE(framer.empty());
    }
}

// Whatever bytes come, what the framer passes as the only value of a text is what parse() decides on.
TEST(Framer, DamagedTextIsNeverSplitDifferentlyThanParsed) {
    uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    RandomJson random(seed);
    for (int round = 0; round < 5000; ++round) {
        std::string text = to_text(random.value(3));
        for (size_t i = random.pick(3); i > 0; --i) {
            text[random.pick(text.size())] = "[]{}\",:\\ 01"[random.pick(11)];
        }
        Framer framer;
        framer.feed(text);
        framer.feed("\n");
        std::string first, second;
        Result<bool> got = framer.next(first);
        if (!parse(text)) continue;  // damaged: framing may succeed or not, but must not crash
        ASSERT_TRUE(got && *got) << text;
        EXPECT_EQ(*parse(first), *parse(text));
        Result<bool> more = framer.next(second);
        EXPECT_TRUE(more && !*more) << text;
    }
}

// Blocks of bytes are looked at together: brackets and quotes in strings, and backslashes, stand at all
// places of them, and at their edges.
TEST(Framer, StringsMayLieAnywhere) {
    for (size_t shift = 0; shift < 140; ++shift) {
        std::string text = "[[[";
        text += std::string(shift, ' ');
        for (size_t slashes = 0; slashes < 70; slashes += slashes < 8 ? 1 : 13) {
            std::string string = "]}[{" + std::string(slashes, '\\') + "\"]\"";
            append_string(text, string);
            text += ",{";
            append_string(text, std::string(slashes, '\\'));
            text += ":[]},";
        }
        text += "0],[1]]]";
        ASSERT_TRUE(parse(text)) << text;
        for (size_t piece : {text.size(), size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{100}}) {
            Framer framer;
            std::string out;
            for (size_t at = 0; at < text.size(); at += piece) {
                Result<bool> got = framer.next(out);
                ASSERT_TRUE(got && !*got) << "whole after " << at << " bytes: " << text;
                framer.input() += std::string_view(text).substr(at, piece);
            }
            framer.feed(text);
            for (int i = 0; i < 2; ++i) {
                Result<bool> got = framer.next(out);
                ASSERT_TRUE(got && *got);
                EXPECT_EQ(out, text);
            }
            EXPECT_EQ(framer.pending(), 0u);
        }
    }
}

TEST(Framer, LongValuesAreTakenFromAmongOthers) {
    const std::string large = "[" + std::string(100000, '1') + "]";
    for (const char* before : {"", "[2]", " "}) {
        for (const char* after : {"", "[3]", "[3"}) {
            Framer framer;
            framer.feed(before + large + after);
            std::string out;
            if (*before == '[') {
                ASSERT_TRUE(*framer.next(out));
            }
            ASSERT_TRUE(*framer.next(out));
            EXPECT_EQ(out, large);
            framer.feed("]");
            if (after == std::string("[3")) {
                ASSERT_TRUE(*framer.next(out));
                EXPECT_EQ(out, "[3]");
            }
        }
    }
}

TEST(Framer, LimitsAreKept) {
    std::string out;
    Framer deep(1000, 3);
    deep.feed("[[[]]][[[[");
    Result<bool> first = deep.next(out);
    ASSERT_TRUE(first && *first);
    EXPECT_EQ(out, "[[[]]]");
    EXPECT_FALSE(deep.next(out));
    deep.feed("]]]]");
    EXPECT_FALSE(deep.next(out)) << "an error is final";

    Framer large(10, 3);
    large.feed("[1234567]");
    first = large.next(out);
    EXPECT_TRUE(first && *first);
    large.feed("[12345678900");
    EXPECT_FALSE(large.next(out));
}

TEST(Framer, StrayPunctuationIsRefused) {
    for (const char* text : {"]", "}", ",", ":", " ]"}) {
        Framer framer;
        framer.feed(text);
        std::string out;
        EXPECT_FALSE(framer.next(out)) << text;
    }
}

TEST(Framer, ConsumedBytesAreGivenBack) {
    Framer framer;
    std::string out;
    std::string value = "[" + std::string(100, '1') + "]";
    for (int i = 0; i < 1000; ++i) {
        framer.feed(value + value.substr(0, 50));
        Result<bool> got = framer.next(out);
        ASSERT_TRUE(got && *got);
        framer.feed(value.substr(50));
        got = framer.next(out);
        ASSERT_TRUE(got && *got);
    }
    EXPECT_EQ(framer.pending(), 0u);
}

}  // namespace
}  // namespace weft::json
