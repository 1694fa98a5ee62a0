// Products with a network's matrices, which are kept in panels: 2 LANES outputs side by side, all inputs below.
//
// The inner loop reads a panel in order and keeps its sums in registers. What a row becomes does not depend on the rows
// beside it: its sums are taken in the same order in any batch.

#pragma once

#include <type_traits>

#include "kinds.h"
#include "tiles.h"

constexpr int PANEL = 2 * LANES;
// Rows multiplied at a time: 2 * BLOCK_ROWS registers hold sums, of the 32, 16 and 32 that there are.
constexpr int BLOCK_ROWS = LANES == 16 ? 12 : LANES == 8 ? 6 : 8;

extern "C" {

// Panels of a matrix (outputs, inputs): see `tunesmith_pack`. `bias` may be null.
struct Matrix {
    const void* panels;
    const float* bias;
    int64_t outputs, inputs;
};
}

namespace {

enum class Then { Store, Add, Gate };

// What becomes of a row's sums with one panel: stored, added, or gated, where a panel holds LANES gates and then the
// LANES values that they gate.
template <class Out, Then then>
inline void finish(Vector left, Vector right, const float* bias, typename Out::Number* out, int64_t valid) {
    if constexpr (then == Then::Gate) {
        put_some<Out>(out, left / (exponential(-left) + 1.0f) * right, valid);
    } else {
        float lanes[PANEL] = {};
        float* to = valid == PANEL ? out : lanes;
        if (then == Then::Add && to == lanes) std::memcpy(lanes, out, valid * sizeof(float));
        if (bias) {
            left += load_some(bias, valid < LANES ? valid : LANES);
            right += load_some(bias + LANES, valid < LANES ? 0 : valid - LANES);
        }
        store(to, then == Then::Add ? load(to) + left : left);
        store(to + LANES, then == Then::Add ? load(to + LANES) + right : right);
        if (to == lanes) std::memcpy(out, lanes, valid * sizeof(float));
    }
}

// `R` rows times one panel.
template <class Kind, class Out, int R, Then then>
void multiply(const typename Kind::Number* x, int64_t stride, int64_t steps, const typename Kind::Number* panel,
              const float* bias, typename Out::Number* out, int64_t out_stride, int64_t valid) {
    Vector sums[R][2] = {};
    for (int64_t k = 0; k < steps; ++k) {
        const auto left = Kind::units(panel + k * PANEL * Kind::PAIR);
        const auto right = Kind::units(panel + (k * PANEL + LANES) * Kind::PAIR);
        for (int r = 0; r < R; ++r) {
            const auto value = unit<Kind>(x + r * stride, k);
            sums[r][0] = Kind::add(sums[r][0], left, value);
            sums[r][1] = Kind::add(sums[r][1], right, value);
        }
    }
    for (int r = 0; r < R; ++r) finish<Out, then>(sums[r][0], sums[r][1], bias, out + r * out_stride, valid);
}

template <class Kind, class Out, int R, Then then>
struct Dispatch {
    template <typename... Arguments>
    static void run(int64_t rows, Arguments... arguments) {
        if (rows == R) multiply<Kind, Out, R, then>(arguments...);
        else Dispatch<Kind, Out, R - 1, then>::run(rows, arguments...);
    }
};
template <class Kind, class Out, Then then>
struct Dispatch<Kind, Out, 0, then> {
    template <typename... Arguments>
    static void run(int64_t, Arguments...) {}
};

// The same for at most 2 TILE rows in tile registers. Rows up to the next multiple of TILE are read, and come to nothing.
template <class Out, Then then>
void multiply_tiles(int64_t rows, const uint16_t* x, int64_t stride, int64_t steps, const uint16_t* panel,
                    const float* bias, typename Out::Number* out, int64_t out_stride, int64_t valid) {
    alignas(64) float sums[2 * TILE * PANEL];
    if (rows > TILE) tile_sums<true>(x, stride, steps / TILE, panel, sums);
    else tile_sums<false>(x, stride, steps / TILE, panel, sums);
    for (int64_t r = 0; r < rows; ++r)
        finish<Out, then>(load(sums + r * PANEL), load(sums + r * PANEL + LANES), bias, out + r * out_stride, valid);
}

// out (rows, outputs), its rows `out_stride` apart, = x (rows, inputs) @ matrix.T, or added to it, or gated (then
// `outputs` counts the gated values). The rows of x lie padded(inputs) apart. Called by all threads, which wait at the end.
template <class Kind, class Out, Then then>
void product(const Matrix& matrix, const typename Kind::Number* x, int64_t rows, typename Out::Number* out,
             int64_t outputs, int64_t out_stride, const Tiles& tiles) {
    const int64_t width = then == Then::Gate ? LANES : PANEL, most = tiles.used ? 2 * TILE : BLOCK_ROWS;
    const int64_t panels = (outputs + width - 1) / width, blocks = (rows + most - 1) / most;
    const int64_t height = tiles.used ? most : (rows + blocks - 1) / blocks;
    const int64_t stride = padded<Kind>(matrix.inputs), steps = stride / Kind::PAIR;
    const Share share(panels * blocks);
    for (int64_t task = share.begin; task < share.end; ++task) {
        const int64_t panel = task / blocks, row = task % blocks * height, column = panel * width;
        const int64_t some = row + height <= rows ? height : rows - row;
        if (some <= 0) continue;
        const int64_t valid = column + width <= outputs ? width : outputs - column;
        const auto* from = static_cast<const typename Kind::Number*>(matrix.panels) + panel * PANEL * stride;
        const float* bias = matrix.bias && then != Then::Gate ? matrix.bias + column : nullptr;
        auto* to = out + row * out_stride + column;
        if constexpr (std::is_same_v<Kind, Bf16>) {
            if (tiles.used) {
                multiply_tiles<Out, then>(some, x + row * stride, stride, steps, from, bias, to, out_stride, valid);
                continue;
            }
        }
        Dispatch<Kind, Out, BLOCK_ROWS, then>::run(some, x + row * stride, stride, steps, from, bias, to, out_stride, valid);
    }
#pragma omp barrier
}

}  // namespace
