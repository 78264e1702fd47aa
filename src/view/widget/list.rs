//! Which part of a list is on screen.

/// The first row shown, so that the selected one is: whole pages, because scrolling line by line
/// repaints everything at every step. The last page is full.
pub fn top(selected: usize, len: usize, height: usize) -> usize {
    if height == 0 || len <= height {
        return 0;
    }
    ((selected / height) * height).min(len - height)
}

/// The same for a list as wide as the screen, of which a terminal can move the rows itself: the selected one stays in
/// the middle, so that what comes next is always seen, and one row comes in at a time.
pub fn near(selected: usize, len: usize, height: usize) -> usize {
    if height == 0 || len <= height {
        return 0;
    }
    selected.saturating_sub(height / 2).min(len - height)
}

#[cfg(test)]
mod tests {
    use super::{near, top};

    #[test]
    fn the_selected_row_is_always_shown() {
        for len in 0..40usize {
            for height in 1..12 {
                for selected in 0..len {
                    for top in [top(selected, len, height), near(selected, len, height)] {
                        assert!(
                            top <= selected && selected < top + height,
                            "{selected} of {len} in {height}"
                        );
                        assert!(len <= height || top + height <= len);
                    }
                }
            }
        }
    }
}
