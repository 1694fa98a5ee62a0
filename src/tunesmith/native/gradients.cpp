// The gradients of weights that read the same inputs: for each, the product of two tall matrices of bf16 numbers, summed
// over their rows in fp32.
//
// Both matrices stand in memory row by row, and tiles want the sum to run along a row of the left one: that one is
// turned over while it is packed. Both are packed by blocks of rows that stay in the cache until they are multiplied.

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "tiles.h"

#ifdef TUNESMITH_TILES
namespace {

constexpr int64_t DEPTH = 32;                     // rows of both matrices in one tile
constexpr int64_t BLOCK = 8;                      // tiles packed at a time, one below the other
constexpr int64_t GROUP = 16;                     // columns of tiles that a thread packs before it multiplies them
constexpr int64_t NUMBERS = TILE * DEPTH;         // in a tile
constexpr int64_t PANEL = (BLOCK + 1) * NUMBERS;  // a power of two would put all panels into the same lines of the cache

// TILE columns of a matrix, whose rows lie `stride` apart, and where the rows of their sums begin (left matrices only).
struct Strip {
    const uint16_t* from;
    int64_t stride;
    float* sums;
};

// TILE numbers of a row and of the one after it, in pairs; rows from `rows` on count as zeros.
inline __m512i pairs(const Strip& strip, int64_t row, int64_t rows) {
    __m512i both[2];
    for (int64_t r = 0; r < 2; ++r) {
        const auto* from = reinterpret_cast<const __m256i*>(strip.from + (row + r) * strip.stride);
        both[r] = row + r < rows ? _mm512_cvtepu16_epi32(_mm256_loadu_si256(from)) : _mm512_setzero_si512();
    }
    return _mm512_or_si512(both[0], _mm512_slli_epi32(both[1], 16));
}

// The rows from `row` on, for the left side of products: a row of a tile is a column of the matrix.
inline void pack_left(const Strip* strips, int64_t begin, int64_t end, int64_t row, int64_t rows, uint16_t* to) {
    __m512i lines[TILE];
    for (int64_t k = 0; k < BLOCK && row + k * DEPTH < rows; ++k)
        for (int64_t i = begin; i < end; ++i) {
            for (int64_t p = 0; p < TILE; ++p) lines[p] = pairs(strips[i], row + k * DEPTH + 2 * p, rows);
            turn(lines);
            for (int64_t p = 0; p < TILE; ++p) _mm512_store_si512(to + i * PANEL + k * NUMBERS + p * DEPTH, lines[p]);
        }
}

// The same for the right side: a row of a tile is two rows of the matrix, in pairs.
inline void pack_right(const Strip* strips, int64_t begin, int64_t end, int64_t row, int64_t rows, uint16_t* to) {
    for (int64_t p = 0; p < BLOCK * TILE && row + p / TILE * DEPTH < rows; ++p)
        for (int64_t j = begin; j < end; ++j) _mm512_store_si512(to + j * PANEL + p * DEPTH, pairs(strips[j], row + 2 * p, rows));
}

// Sums (+)= M left panels times N right panels, `steps` tiles deep; meanwhile the next sums are fetched.
template <int M, int N>
inline void products(const uint16_t* left, const uint16_t* right, int64_t steps, float* const* sums, int64_t stride, bool add, float* const* next) {
    const Side a = {left, left + PANEL, DEPTH * 2, NUMBERS}, b = {right, right + PANEL, DEPTH * 2, NUMBERS};
    tile_products<M, N>(a, b, steps, sums[0], sums[M - 1], stride * sizeof(float), add, [=](int64_t k) {
        for (int64_t m = 0; m < M; ++m)
            for (int64_t line = 2 * k; line < 2 * k + 2; ++line)
                for (int64_t n = 0; n < N; ++n) _mm_prefetch(reinterpret_cast<const char*>(next[m] + line * stride + n * TILE), _MM_HINT_T0);
    });
}

struct Range {
    int64_t begin, end;
};

// All products of a range of left panels with one of right panels.
inline void multiply(const Strip* strips, const uint16_t* left, Range lefts, const uint16_t* right, Range rights, int64_t steps, int64_t stride, bool add) {
    for (int64_t j = rights.begin; j < rights.end; j += 2)
        for (int64_t i = lefts.begin; i < lefts.end; i += 2) {
            const bool two = i + 1 < lefts.end, both = j + 1 < rights.end;
            const int64_t after = i + 2 < lefts.end ? i + 2 : lefts.begin, column = (after == i + 2 || j + 2 >= rights.end ? j : j + 2) * TILE;
            float* sums[2] = {strips[i].sums + j * TILE, two ? strips[i + 1].sums + j * TILE : nullptr};
            float* next[2] = {strips[after].sums + column, strips[std::min(after + 1, lefts.end - 1)].sums + column};
            const uint16_t *a = left + i * PANEL, *b = right + j * PANEL;
            if (two && both) products<2, 2>(a, b, steps, sums, stride, add, next);
            else if (two) products<2, 1>(a, b, steps, sums, stride, add, next);
            else if (both) products<1, 2>(a, b, steps, sums, stride, add, next);
            else products<1, 1>(a, b, steps, sums, stride, add, next);
        }
}

void weight_gradients(const std::vector<Strip>& lefts, const std::vector<Strip>& rights, int64_t rows, bool add, int64_t threads) {
    const int64_t tall = lefts.size(), wide = rights.size(), stride = wide * TILE;
    const bool by_left = tall >= wide;  // the longer side is divided among the threads; all read the shorter one
    const int64_t divided = std::max(tall, wide), common = std::min(tall, wide), room = PANEL * sizeof(uint16_t);
    auto take = [=](int64_t panels) { return static_cast<uint16_t*>(std::aligned_alloc(64, panels * room)); };
    uint16_t *own = take(divided), *shared[2] = {take(common), take(common)};
#pragma omp parallel num_threads(threads)
    {
        const Tiles tiles(true);
        const Share pairs_of((divided + 1) / 2), part(common);
        const int64_t first = pairs_of.begin * 2, last = std::min(pairs_of.end * 2, divided);
        bool odd = false;
        for (int64_t row = 0; row < rows; row += BLOCK * DEPTH, odd = !odd) {
            const int64_t steps = std::min(BLOCK, (rows - row + DEPTH - 1) / DEPTH);
            uint16_t* all = shared[odd];
            if (by_left) pack_right(rights.data(), part.begin, part.end, row, rows, all);
            else pack_left(lefts.data(), part.begin, part.end, row, rows, all);
#pragma omp barrier
            for (int64_t begin = first; begin < last; begin += GROUP) {
                const Range some = {begin, std::min(begin + GROUP, last)};
                if (by_left) pack_left(lefts.data(), some.begin, some.end, row, rows, own);
                else pack_right(rights.data(), some.begin, some.end, row, rows, own);
                if (by_left) multiply(lefts.data(), own, some, all, {0, wide}, steps, stride, add || row > 0);
                else multiply(lefts.data(), all, {0, tall}, own, some, steps, stride, add || row > 0);
            }
        }
    }
    for (uint16_t* panels : {own, shared[0], shared[1]}) std::free(panels);
}

}  // namespace
#endif

extern "C" {

// 1 where tiles may be used, which `tunesmith_weight_gradients` needs.
int64_t tunesmith_tiles() {
#ifdef TUNESMITH_TILES
    return tiles_granted();
#else
    return 0;
#endif
}

// sums[i] (outputs[i], inputs) = grads[i].T @ x, or (`add` is not 0) added to it; grads[i] (rows, outputs[i]) and x (rows, inputs)
// are bf16, sums fp32. All of outputs and inputs are multiples of TILE. What a sum becomes does not depend on the threads.
void tunesmith_weight_gradients(const int64_t* grads, const int64_t* outputs, int64_t count, const void* x, int64_t rows, int64_t inputs,
                                const int64_t* sums, int64_t add, int64_t threads) {
#ifdef TUNESMITH_TILES
    std::vector<Strip> lefts, rights;
    for (int64_t one = 0; one < count; ++one)
        for (int64_t i = 0; i < outputs[one]; i += TILE)
            lefts.push_back({reinterpret_cast<const uint16_t*>(grads[one]) + i, outputs[one], reinterpret_cast<float*>(sums[one]) + i * inputs});
    for (int64_t j = 0; j < inputs; j += TILE) rights.push_back({static_cast<const uint16_t*>(x) + j, inputs, nullptr});
    weight_gradients(lefts, rights, rows, add != 0, threads);
#endif
}
}
